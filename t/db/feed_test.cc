// A Feed: what it makes of a database that is away, another one, or older, and of faults.
#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <thread>

#include "feed/feed.h"
#include "t/db/feed_world.h"

namespace mirror::db::test {
namespace {

FeedOptions options_for(World& world) {
  FeedOptions options;
  options.conninfo = fmt::format("dbname={}", value(world.connection, "SELECT current_database()"));
  options.name = "the database";
  return options;
}

// As a child's thread does, until it has come about or for this long.
bool step_until(Feed& feed, std::chrono::milliseconds limit,
                const std::function<bool()>& come_about) {
  for (const auto end = Clock::now() + limit; !come_about();) {
    if (Clock::now() >= end) return false;
    std::this_thread::sleep_for(feed.step());
  }
  return true;
}

constexpr std::chrono::seconds kLong{20};

// A Feed's catalog, and what the Feed says.
struct Followed {
  Folder folder;
  std::vector<std::string> lines;
  const Log log = [this](LogLevel, const std::string& line) { lines.push_back(line); };
  catalog::Catalog catalog{catalog::Directory(folder / "catalog"), kAccess};

  Followed() { std::filesystem::create_directory(catalog.directory().path()); }
  bool says(std::size_t line, const std::string& words) const {
    return lines.at(line).find(words) != std::string::npos;
  }
};

class FeedTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(FeedTest);
  CPPUNIT_TEST(anotherDatabaseIsNoticed);
  CPPUNIT_TEST(aNewFileIsSeenWhileAFaultLasts);
  CPPUNIT_TEST(aDatabaseThatIsAwayIsSaidOnce);
  CPPUNIT_TEST(lostCallsAreMadeUpForByAsking);
  CPPUNIT_TEST_SUITE_END();

 public:
  void anotherDatabaseIsNoticed();  // or an older state of it
  void aNewFileIsSeenWhileAFaultLasts();
  void aDatabaseThatIsAwayIsSaidOnce();
  void lostCallsAreMadeUpForByAsking();
};

void FeedTest::anotherDatabaseIsNoticed() {
  World first(1), second(2);
  for (World* world : {&first, &second}) {
    for (int i = 0; i < 5; ++i) world->change();
  }
  Followed followed;
  const auto follow = [&](World& world) {
    Feed feed(options_for(world), followed.catalog, kGoOn, followed.log);
    feed.step();
    CPPUNIT_ASSERT(followed.catalog.environment() != nullptr);
    CPPUNIT_ASSERT_EQUAL(std::string(), difference(state_of(world.connection, false),
                                                   state_of(*followed.catalog.environment())));
  };
  follow(first);
  CPPUNIT_ASSERT_EQUAL(std::size_t{1}, followed.lines.size());
  CPPUNIT_ASSERT_MESSAGE(followed.lines[0], followed.says(0, "a new catalog of the database"));
  follow(first);
  CPPUNIT_ASSERT_EQUAL(std::size_t{1}, followed.lines.size());
  follow(second);
  CPPUNIT_ASSERT_EQUAL(std::size_t{3}, followed.lines.size());
  CPPUNIT_ASSERT_MESSAGE(followed.lines[1], followed.says(1, "does not know revision"));
  second.change_source();
  follow(second);
  CPPUNIT_ASSERT_EQUAL(std::size_t{3}, followed.lines.size());
}

void FeedTest::aNewFileIsSeenWhileAFaultLasts() {
  World world(1);
  Followed followed;
  world.connection.script("UPDATE schema_version SET version = version + 1");
  Feed feed(options_for(world), followed.catalog, kGoOn, followed.log);
  CPPUNIT_ASSERT(feed.step() < std::chrono::seconds(1));
  CPPUNIT_ASSERT_EQUAL(std::size_t{1}, followed.lines.size());
  const std::string file = followed.catalog.directory().unused_file();
  load(world.connection, file, false);
  followed.catalog.directory().publish(file);
  feed.step();
  CPPUNIT_ASSERT(followed.catalog.environment() != nullptr && feed.is_writer());
  CPPUNIT_ASSERT_EQUAL(std::size_t{1}, followed.lines.size());
}

void FeedTest::aDatabaseThatIsAwayIsSaidOnce() {
  World world(1);
  Followed followed;
  FeedOptions options = options_for(world);
  options.conninfo += fmt::format(" host={}/server", followed.folder.path());
  options.complain_after = std::chrono::seconds(1);
  Feed feed(options, followed.catalog, kGoOn, followed.log);
  feed.step();
  CPPUNIT_ASSERT(followed.lines.empty());
  CPPUNIT_ASSERT(step_until(feed, kLong, [&] { return !followed.lines.empty(); }));
  CPPUNIT_ASSERT_MESSAGE(followed.lines[0],
                         followed.says(0, "no news from the database for 1 seconds: "));
  // It is tried again meanwhile.
  CPPUNIT_ASSERT(!step_until(feed, std::chrono::milliseconds(1500),
                             [&] { return followed.lines.size() > 1; }));
  std::filesystem::create_symlink(std::getenv("PGHOST"), followed.folder / "server");
  CPPUNIT_ASSERT(step_until(feed, kLong, [&] { return followed.lines.size() > 2; }));
  CPPUNIT_ASSERT_MESSAGE(followed.lines[1], followed.says(1, "a new catalog of the database"));
  CPPUNIT_ASSERT_MESSAGE(followed.lines[2], followed.says(2, "the database answers again"));
}

void FeedTest::lostCallsAreMadeUpForByAsking() {
  World world(1);
  Followed followed;
  world.connection.script(
      "DROP TRIGGER revision_notify ON revision; DROP TRIGGER mirror_rev_notify ON mirror_rev");
  const auto arrives = [&](std::chrono::milliseconds poll, std::chrono::milliseconds limit) {
    FeedOptions options = options_for(world);
    options.poll = poll;
    Feed feed(options, followed.catalog, kGoOn, followed.log);
    feed.step();
    world.change_source();
    const State after = state_of(world.connection, false);
    return step_until(feed, limit,
                      [&] { return state_of(*followed.catalog.environment()).rev == after.rev; });
  };
  CPPUNIT_ASSERT(!arrives(std::chrono::hours(1), std::chrono::seconds(1)));
  CPPUNIT_ASSERT(arrives(std::chrono::milliseconds(200), kLong));
}

CPPUNIT_TEST_SUITE_REGISTRATION(FeedTest);

}  // namespace
}  // namespace mirror::db::test
