// A thousand random changes of a database, pulled into a catalog: afterwards both are equal, and in
// between nobody is sent to a mirror that does not have the file.
#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "db/feed.h"
#include "db/merge/changes.h"
#include "feed/pull.h"
#include "t/db/feed_world.h"

namespace mirror::db::test {
namespace {

class PullTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PullTest);
  CPPUNIT_TEST(randomChangesArriveWithHashes);
  CPPUNIT_TEST(randomChangesArriveWithoutHashes);
  CPPUNIT_TEST_SUITE_END();

 public:
  void randomChangesArriveWithHashes() { check_random_changes(true); }
  void randomChangesArriveWithoutHashes() { check_random_changes(false); }

 private:
  void check_random_changes(bool hashes) {
    const unsigned seed = std::random_device()();
    World world(seed);
    world.change_source();
    Folder folder;
    const auto environment = load(world.connection, folder / "catalog.1.mdb", hashes);
    bool broken_off = false;
    int by_notes = 0, by_reading_all = 0;
    for (int step = 0; step < 500; ++step) {
      const std::string which = fmt::format("seed {}, step {}", seed, step);
      world.change();
      if (step % 12 == 0) lose_a_note(world, step / 12);
      if (world.roll(3) == 0) continue;  // several at once
      const State before = state_of(*environment), after = state_of(world.connection, hashes);
      ++(changed_above(world.connection, before.rev).find("change") == std::string::npos
             ? by_reading_all
             : by_notes);
      for (int stops = world.roll(4); stops > 0; --stops) {
        broken_off |= !pull(world.connection, *environment, kStop, 1 + world.roll(40) * 800);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(which, std::string(),
                                     wrong_in_between(before, state_of(*environment), after));
      }
      if (world.roll(10) == 0) continue;  // the next one finds it half done
      CPPUNIT_ASSERT(pull(world.connection, *environment, kGoOn, world.roll(2) ? kBatchBytes : 1));
      const State now = state_of(*environment);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(which, std::string(), difference(after, now));
      // What a pull that broke off has emptied is left for the sweep.
      if (!broken_off) CPPUNIT_ASSERT_MESSAGE(which, after.cohorts == now.cohorts);
      CPPUNIT_ASSERT_MESSAGE(which, std::ranges::includes(now.cohorts, after.cohorts));
      broken_off = after.cohorts != now.cohorts;
    }
    CPPUNIT_ASSERT_MESSAGE(
        fmt::format("seed {}: {} by notes, {} by reading all", seed, by_notes, by_reading_all),
        by_notes > 20 && by_reading_all > 5);
    const auto again = load(world.connection, folder / "catalog.2.mdb", hashes);
    CPPUNIT_ASSERT_EQUAL(std::string(),
                         difference(state_of(world.connection, hashes), state_of(*again)));
  }

  // Of any merge: it was by a program that knows of none, too much to note, or long ago.
  static void lose_a_note(World& world, int way) {
    static constexpr const char* kWays[] = {
        "DELETE FROM change WHERE rev = (SELECT max(rev) FROM change)",
        "UPDATE change SET files = NULL WHERE upto = (SELECT max(upto) FROM change)",
        "DELETE FROM change WHERE rev <= (SELECT max(rev) - 3 FROM change)",
        "DELETE FROM revision WHERE rev < (SELECT max(rev) FROM revision) - 100"};
    world.connection.script(kWays[way % 4]);
  }

  static bool pull(Connection& connection, catalog::Environment& environment,
                   const std::atomic<bool>& stop, std::int64_t batch_bytes) {
    UnreadableRows unreadable;
    pull_mirrors(connection, environment, false, unreadable);
    FeedSnapshot snapshot(connection);
    const bool done = pull_changes(snapshot, environment, stop, batch_bytes).has_value();
    CPPUNIT_ASSERT_EQUAL(std::string(), unreadable.text() + snapshot.unreadable().text());
    return done;
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PullTest);

}  // namespace
}  // namespace mirror::db::test
