// A Feed: what it makes of a database that is away, another one, or older, and of faults.
#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include "catalog/reader.h"
#include "db/feed.h"
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
  std::mutex mutex;  // the mirrors are followed by a thread of the Feed's own
  std::vector<std::string> lines;
  const Log log = [this](LogLevel, const std::string& line) {
    const std::lock_guard lock(mutex);
    lines.push_back(line);
  };
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
  CPPUNIT_TEST(mirrorsAreFollowedWhileTheFilesAreLocked);
  CPPUNIT_TEST(aLockOnTheFilesIsSaid);
  CPPUNIT_TEST(rowsThatCannotBeReadAreLeftOutAndNamed);
  CPPUNIT_TEST(aGraceThatIsNoNumberOfSecondsStopsNothing);
  CPPUNIT_TEST(whatHelpsWhenARowIsLostIsSaid);
  CPPUNIT_TEST_SUITE_END();

 public:
  void mirrorsAreFollowedWhileTheFilesAreLocked();
  void aLockOnTheFilesIsSaid();
  void rowsThatCannotBeReadAreLeftOutAndNamed();
  void aGraceThatIsNoNumberOfSecondsStopsNothing();
  void whatHelpsWhenARowIsLostIsSaid();
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
                         followed.says(0, "the database has not answered for 1 seconds: "));
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

// The keeper's thread of a child.
class Stepping {
 public:
  Stepping(World& world, Followed& followed)
      : feed_(options_for(world), followed.catalog, stop_, followed.log), thread_([this] {
          while (!stop_) std::this_thread::sleep_for(feed_.step());
          feed_.step_down();
        }) {}
  ~Stepping() {
    stop_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> stop_{false};
  Feed feed_;
  std::thread thread_;
};

bool wait_until(std::chrono::milliseconds limit, const std::function<bool()>& come_about) {
  for (const auto end = Clock::now() + limit; !come_about();) {
    if (Clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

bool has_catalog(Followed& followed) { return followed.catalog.environment() != nullptr; }

// How long until the catalog has all mirrors disabled, or enabled.
std::chrono::milliseconds switch_mirrors(World& world, Followed& followed, bool enabled) {
  world.connection.script(fmt::format("UPDATE mirror SET enabled = {}", enabled));
  const auto began = Clock::now();
  CPPUNIT_ASSERT(wait_until(kLong, [&] {
    const catalog::Snapshot now(followed.catalog.environment());
    return std::ranges::all_of(now->mirrors()->all(),
                               [&](const Mirror& mirror) { return mirror.enabled == enabled; });
  }));
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
}

void FeedTest::mirrorsAreFollowedWhileTheFilesAreLocked() {
  for (const char* table : {"file", "cohort", "source", "revision"}) {
    World world(1);
    Followed followed;
    const Stepping child(world, followed);
    CPPUNIT_ASSERT(wait_until(kLong, [&] { return has_catalog(followed); }));
    switch_mirrors(world, followed, true);  // the second connection is there
    Connection other = world.connect();
    other.script(
        fmt::format("BEGIN; INSERT INTO revision (rev) VALUES (nextval('revision_seq')); "
                    "LOCK TABLE {} IN ACCESS EXCLUSIVE MODE",
                    table));
    for (const bool enabled : {false, true}) {
      const auto took = switch_mirrors(world, followed, enabled);
      CPPUNIT_ASSERT_MESSAGE(fmt::format("{}: {} ms", table, took.count()), took.count() < 1000);
      std::this_thread::sleep_for(std::chrono::milliseconds(200));  // the files are waited for
    }
  }
}

void FeedTest::aLockOnTheFilesIsSaid() {
  World world(1);
  Followed followed;
  Feed feed(options_for(world), followed.catalog, kGoOn, followed.log);
  feed.step();
  CPPUNIT_ASSERT_EQUAL(std::size_t{1}, followed.lines.size());
  world.change_source();
  Connection other = world.connect();
  other.script("BEGIN; LOCK TABLE file IN ACCESS EXCLUSIVE MODE");
  feed.step();
  CPPUNIT_ASSERT_EQUAL(std::size_t{2}, followed.lines.size());
  CPPUNIT_ASSERT_MESSAGE(followed.lines[1],
                         followed.says(1, "another session has locked the tables of files"));
}

void FeedTest::rowsThatCannotBeReadAreLeftOutAndNamed() {
  World world(1);
  Followed followed;
  Feed feed(options_for(world), followed.catalog, kGoOn, followed.log);
  world.change_source();
  feed.step();
  world.connection.script(
      "ALTER TABLE file DROP CONSTRAINT file_gone_range;"
      "ALTER TABLE cohort DROP CONSTRAINT cohort_mirrors_shape;"
      "INSERT INTO revision (rev) VALUES (nextval('revision_seq'));"
      "INSERT INTO cohort (mirrors, n_files, rev) SELECT mirrors, 0, max(rev) FROM revision, "
      "(VALUES ('{NULL}'::smallint[]), ('{{1,2},{3,4}}'), ('{1}')) AS odd (mirrors) GROUP BY 1;"
      "INSERT INTO file (path, size, mtime, version_rev, rev, kind, cohort_id, gone_at) "
      "SELECT path, 1, 1, max(rev), max(rev), 'f', (SELECT max(id) FROM cohort), gone_at FROM "
      "revision, (VALUES ('never'::bytea, '-infinity'::timestamptz), ('ever', 'infinity'), "
      "('well', NULL)) AS odd (path, gone_at) GROUP BY path, gone_at");
  CPPUNIT_ASSERT(step_until(feed, kLong, [&] { return followed.lines.size() == 2; }));
  for (const char* words : {"rows of the database cannot be read", "file 'never' (gone_at",
                            "file 'ever' (gone_at", "cohort "})
    CPPUNIT_ASSERT_MESSAGE(followed.lines[1], followed.says(1, words));
  const State now = state_of(*followed.catalog.environment());
  CPPUNIT_ASSERT(now.files.contains("well") && !now.files.contains("never"));
}

void FeedTest::aGraceThatIsNoNumberOfSecondsStopsNothing() {
  World world(1);
  Followed followed;
  Feed feed(options_for(world), followed.catalog, kGoOn, followed.log);
  world.connection.script("ALTER TABLE source DROP CONSTRAINT source_grace_range");
  for (const char* grace : {"NaN", "Infinity", "-1", "1e300"}) {
    world.connection.script(fmt::format("UPDATE source SET grace_s = '{}'", grace));
    world.change_source();
    world.connection.script(fmt::format("UPDATE source SET grace_s = '{}'", grace));
    const State after = state_of(world.connection, false);
    CPPUNIT_ASSERT_MESSAGE(
        grace, step_until(feed, kLong, [&] {
          return has_catalog(followed) &&
                 difference(after, state_of(*followed.catalog.environment())).empty();
        }));
    CPPUNIT_ASSERT_EQUAL_MESSAGE(grace, std::size_t{1}, followed.lines.size());
  }
}

void FeedTest::whatHelpsWhenARowIsLostIsSaid() {
  const auto read = [](Connection& connection) {
    return std::pair(feed_state(connection).rev, mirrors_rev(connection));
  };
  for (const char* table : {"source", "mirror_rev"}) {
    World world(1);
    world.change_source();
    const auto before = read(world.connection);
    world.connection.script(fmt::format("DELETE FROM {}", table));
    std::string told;
    try {
      read(world.connection);
    } catch (const Error& error) {
      told = error.what();
    }
    const std::size_t statement = told.find("INSERT INTO ");
    CPPUNIT_ASSERT_MESSAGE(told, statement != std::string::npos);
    world.connection.script(told.substr(statement));
    const auto after = read(world.connection);
    CPPUNIT_ASSERT_EQUAL_MESSAGE(table, before.first, after.first);
    CPPUNIT_ASSERT_MESSAGE(table, after.second >= before.second);
    world.change();
  }
}

CPPUNIT_TEST_SUITE_REGISTRATION(FeedTest);

}  // namespace
}  // namespace mirror::db::test
