// A thousand random changes of a database, pulled into a catalog: afterwards both are equal, and in between nobody is sent to a
// mirror that does not have the file.
#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "catalog/batch.h"
#include "catalog/reader.h"
#include "db/changes.h"
#include "db/feed.h"
#include "db/hashes.h"
#include "db/lookup.h"
#include "feed/feed.h"
#include "feed/pull.h"
#include "t/db/database.h"

namespace mirror::db::test {
namespace {

using catalog::Environment;
using catalog::Snapshot;
constexpr int kMirrors = 6;
const MergeOptions kForce{.force = true};

// A file or link as one line, but for its mirrors.
std::string line_of(const FeedFile& file, bool hashes) {
  if (file.link_target) return fmt::format("link {} gone {}", *file.link_target, file.gone_s.value_or(0));
  const FileHashes& h = file.hashes;
  std::string line = fmt::format("{} bytes, {}, gone {}, pending {}, {:?} {} {} {}", file.size_bytes, file.mtime_s,
                                 file.gone_s.value_or(0), file.pending, h.sha256, h.btih_exists || !h.btih.empty(),
                                 h.btih_v1_exists || !h.btih_v1.empty(), static_cast<int>(h.signature_kind));
  if (!hashes) return line;
  for (const std::string* text : {&h.md5, &h.sha1, &h.sha512, &h.btih, &h.btih_v1, &h.btmh, &h.pieces_root, &h.sha1_pieces,
                                  &h.piece_layer, &h.signature, &h.zsync.sums}) {
    line += fmt::format(" {:?}", *text);
  }
  return line + fmt::format(" {} {} {}", h.piece_bytes, h.zsync.block_bytes, h.zsync.md4_bytes);
}

struct Known {
  std::string line;
  std::set<MirrorId> mirrors;
  bool operator==(const Known&) const = default;
};
struct State {
  std::map<std::string, Known> files;
  std::set<std::int64_t> cohorts;
  std::string mirrors;
  std::int64_t rev = 0, mirrors_rev = 0;
  std::string token;
};

std::string text_of(const std::set<MirrorId>& mirrors) { return fmt::format("{}", fmt::join(mirrors, ",")); }

State state_of(Connection& connection, bool hashes) {
  FeedSnapshot snapshot(connection);
  State state;
  state.rev = snapshot.state().rev, state.mirrors_rev = snapshot.state().mirrors_rev, state.token = snapshot.state().token;
  std::map<std::int64_t, std::set<MirrorId>> cohorts;
  snapshot.each_cohort_above(-1, [&](const std::vector<FeedSnapshot::Cohort>& page) {
    for (const auto& cohort : page) cohorts[cohort.id] = {cohort.mirrors.begin(), cohort.mirrors.end()};
  });
  snapshot.each_file_above(0, hashes ? HashParts::all : HashParts::redirect, [&](std::vector<FeedFile>& page) {
    for (const FeedFile& file : page) {
      Known& known = state.files[file.path];
      known.line = line_of(file, hashes);
      if (file.link_target) continue;
      known.mirrors = cohorts.at(file.cohort_id);
      state.cohorts.insert(file.cohort_id);
    }
  });
  state.mirrors = catalog::encode_mirrors(load_mirrors(connection)->all());
  return state;
}

std::set<MirrorId> as_set(const MirrorSet& mirrors) {
  const std::vector<MirrorId> ids = mirrors.ids();
  return {ids.begin(), ids.end()};
}

State state_of(Environment& environment) {
  Snapshot snapshot(environment.shared_from_this());
  const catalog::Meta& meta = snapshot->meta();
  State state;
  state.rev = meta.rev, state.mirrors_rev = meta.mirrors_rev, state.token = meta.token;
  std::map<std::int64_t, std::int64_t> counts;
  const auto add = [&](const FeedFile& file) {
    Known& known = state.files[file.path];
    CPPUNIT_ASSERT_MESSAGE(file.path + " is there twice", known.line.empty());
    known.line = line_of(file, meta.hashes);
    if (file.link_target) return true;
    if (const auto cohort = snapshot->cohort(file.cohort_id)) known.mirrors = as_set(cohort->mirrors);
    ++counts[file.cohort_id];
    return true;
  };
  snapshot->each_file(add);
  snapshot->each_link(add);
  snapshot->each_cohort([&](std::int64_t id, const catalog::CohortRecord& cohort) {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(fmt::format("files of cohort {}", id), counts[id], cohort.files);
    state.cohorts.insert(id);
    return true;
  });
  state.mirrors = catalog::encode_mirrors(snapshot->mirrors()->all());
  return state;
}

std::string difference(const State& database, const State& catalog) {
  for (const auto& [path, known] : database.files) {
    const auto found = catalog.files.find(path);
    if (found == catalog.files.end()) return path + " is missing in the catalog";
    if (found->second.line != known.line) return fmt::format("{}: {} in the database, {}", path, known.line, found->second.line);
    if (found->second != known)
      return fmt::format("{}: {} have it, not {}", path, text_of(known.mirrors), text_of(found->second.mirrors));
  }
  for (const auto& [path, known] : catalog.files) {
    // A link that went is only swept away after a day; nobody is shown it longer than its grace time.
    if (!database.files.contains(path) && !known.line.starts_with("link")) return path + " is in the catalog alone";
  }
  if (database.mirrors != catalog.mirrors) return "the mirrors differ";
  if (database.rev != catalog.rev || database.token != catalog.token) return "the revisions differ";
  return database.mirrors_rev == catalog.mirrors_rev ? "" : "the mirrors' revisions differ";
}

bool within(const std::set<MirrorId>& some, const std::set<MirrorId>& all) {
  return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

// What a reader in the middle of a pull may see of a file: its version of before, from mirrors that had it, or that of after.
std::string wrong_in_between(const State& before, const State& now, const State& after) {
  static const Known kAbsent;
  const auto in = [](const State& state, const std::string& path) -> const Known& {
    const auto found = state.files.find(path);
    return found == state.files.end() ? kAbsent : found->second;
  };
  for (const auto& [path, seen] : now.files) {
    const Known &old = in(before, path), &next = in(after, path);
    if (seen.line != old.line && seen.line != next.line)
      return fmt::format("{} is neither of before nor of after: {}", path, seen.line);
    std::set<MirrorId> allowed;
    if (seen.line == old.line) allowed = old.mirrors;
    if (seen.line == next.line) allowed.insert(next.mirrors.begin(), next.mirrors.end());
    if (!within(seen.mirrors, allowed))
      return fmt::format("{}: {} seen, {} allowed", path, text_of(seen.mirrors), text_of(allowed));
  }
  for (const auto& [path, old] : before.files) {
    if (!now.files.contains(path) && after.files.contains(path)) return path + " is missing in between";
  }
  return "";
}

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/mirror-feed-XXXXXX";
    CPPUNIT_ASSERT(mkdtemp(name) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path;
};

constexpr catalog::Access kAccess{.max_bytes = 64 << 20, .max_readers = 32};
const std::atomic<bool> kGoOn{false}, kStop{true};

std::shared_ptr<Environment> load(Connection& connection, const std::string& file, bool hashes) {
  auto environment = Environment::open(file, catalog::Open::create, kAccess);
  FeedSnapshot snapshot(connection);
  CPPUNIT_ASSERT(load_everything(snapshot, connection, *environment, hashes, kGoOn));
  return environment;
}

// A database that changes at random.
class World {
 public:
  explicit World(unsigned seed) : connection(database_.connect()), random_(seed) {
    for (int i = 0; i < kMirrors; ++i) add_mirror(connection, name(i));
  }
  int roll(int sides) { return std::uniform_int_distribution<int>(0, sides - 1)(random_); }

  void change() {
    const int action = roll(20);
    if (tree_.empty() || action < 6) return change_source();
    if (action == 6) return hash_some();
    if (action == 7) return replace_mirror();
    if (action == 8) return void(join_cohorts(connection, roll(50)));
    if (action == 9) return edit_mirror();
    scan_some_mirror();
  }

  void change_source() {
    for (int i = 1 + roll(12); i > 0; --i) {
      const std::string path = path_of(roll(4), roll(40));
      if (roll(4) == 0) {
        tree_.erase(path);
        continue;
      }
      Entry& entry = tree_[path];
      entry = {.path = path, .size = 1 + roll(3), .mtime = 1000 + roll(50), .staged = roll(8) == 0};
      if (roll(8) == 0) entry = {.path = path, .kind = EntryKind::link, .target = fmt::format("f{}", roll(40))};
    }
    if (tree_.empty()) return;
    Tree tree;
    for (const auto& [path, entry] : tree_) tree.push_back(entry);
    MergeOptions options = kForce;
    options.grace_s = roll(3) == 0 ? 0 : 3600;
    scan_source(connection, tree, options);
  }

  void scan_some_mirror() {
    static constexpr int kPercents[] = {0, 5, 50, 95, 100, 100};
    const int percent = kPercents[roll(6)];
    const std::string subtree = roll(3) == 0 ? folder(roll(4)) : "";
    Tree listing;
    for (const auto& [path, entry] : tree_) {
      if ((subtree.empty() || path.starts_with(subtree + '/')) && roll(100) < percent) listing.push_back(entry);
    }
    scan_mirror(connection, name(roll(kMirrors)), listing, kForce, subtree);
  }

  Connection& database() { return connection; }

 private:
  static std::string name(int i) { return "m" + std::to_string(i); }
  static std::string folder(int i) {
    return i == 3 ? std::string(255, 'l') + '/' + std::string(250, 'l') : "d" + std::to_string(i);
  }
  static std::string path_of(int where, int file) { return fmt::format("{}/f{}", folder(where), file); }

  void hash_some() {
    std::vector<HashResult> results;
    for (const HashTarget& target : list_hash_targets(connection, "", "", HashKinds(), 200)) {
      if (roll(2) == 0) continue;
      HashResult& result = results.emplace_back();
      result.file_id = target.file_id, result.version_rev = target.version_rev;
      result.size_bytes = target.size_bytes, result.mtime_s = target.mtime_s;
      result.hashes.sha256 = std::string(32, static_cast<char>(roll(4)));
      result.hashes.md5 = std::string(16, static_cast<char>(roll(4)));
      if (roll(2) == 0) {
        result.hashes.piece_bytes = piece_bytes_of(target.size_bytes);
        result.hashes.sha1_pieces = std::string(20, 'p');
        result.hashes.btih_v1 = std::string(20, 'v');
      }
      if (roll(3) == 0) {
        if (roll(2) == 0) result.hashes = {};
        result.signature_ctime_ns = roll(3);
        if (result.signature_ctime_ns > 0) result.hashes.signature = "s", result.hashes.signature_kind = SignatureKind::asc;
      }
    }
    store_hashes(connection, results);
  }

  void replace_mirror() {
    const std::string mirror = name(roll(kMirrors));
    delete_mirror(connection, find_mirror(connection, mirror)->mirror.id);
    add_mirror(connection, mirror);
  }

  void edit_mirror() {
    connection.run(fmt::format("UPDATE mirror SET enabled = NOT enabled, weight = weight + 1 WHERE identifier = '{}'",
                               name(roll(kMirrors))));
  }

  TestDatabase database_;

 public:
  Connection connection;

 private:
  std::mt19937 random_;
  std::map<std::string, Entry> tree_;
};

class FeedTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(FeedTest);
  CPPUNIT_TEST(randomChangesArriveWithHashes);
  CPPUNIT_TEST(randomChangesArriveWithoutHashes);
  CPPUNIT_TEST(anotherDatabaseIsNoticed);
  CPPUNIT_TEST(aNewFileIsSeenWhileAFaultLasts);
  CPPUNIT_TEST(aDatabaseThatIsAwayIsSaidOnce);
  CPPUNIT_TEST(lostCallsAreMadeUpForByAsking);
  CPPUNIT_TEST_SUITE_END();

 public:
  void randomChangesArriveWithHashes() { check_random_changes(true); }
  void randomChangesArriveWithoutHashes() { check_random_changes(false); }

  // A Feed whose database is replaced by another one, and by an older state of itself.
  void anotherDatabaseIsNoticed();
  void aNewFileIsSeenWhileAFaultLasts();
  void aDatabaseThatIsAwayIsSaidOnce();
  void lostCallsAreMadeUpForByAsking();

 private:
  void check_random_changes(bool hashes) {
    const unsigned seed = std::random_device()();
    World world(seed);
    world.change_source();
    Folder folder;
    const auto environment = load(world.connection, folder.path + "/catalog.1.mdb", hashes);
    bool broken_off = false;
    int by_notes = 0, by_reading_all = 0;
    for (int step = 0; step < 500; ++step) {
      const std::string which = fmt::format("seed {}, step {}", seed, step);
      world.change();
      if (step % 12 == 0) lose_a_note(world, step / 12);
      if (world.roll(3) == 0) continue;  // several at once
      const State before = state_of(*environment), after = state_of(world.connection, hashes);
      ++(changed_above(world.connection, before.rev).find("change") == std::string::npos ? by_reading_all : by_notes);
      for (int stops = world.roll(4); stops > 0; --stops) {
        broken_off |= !pull(world.connection, *environment, kStop, 1 + world.roll(40) * 800);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(which, std::string(), wrong_in_between(before, state_of(*environment), after));
      }
      if (world.roll(10) == 0) continue;  // the next one finds it half done
      CPPUNIT_ASSERT(pull(world.connection, *environment, kGoOn, world.roll(2) ? kBatchBytes : 1));
      const State now = state_of(*environment);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(which, std::string(), difference(after, now));
      // What a pull that broke off has emptied is left for the sweep.
      if (!broken_off) CPPUNIT_ASSERT_MESSAGE(which, after.cohorts == now.cohorts);
      CPPUNIT_ASSERT_MESSAGE(which, within_cohorts(after.cohorts, now.cohorts));
      broken_off = after.cohorts != now.cohorts;
    }
    CPPUNIT_ASSERT_MESSAGE(fmt::format("seed {}: {} by notes, {} by reading all", seed, by_notes, by_reading_all),
                           by_notes > 20 && by_reading_all > 5);
    const auto again = load(world.connection, folder.path + "/catalog.2.mdb", hashes);
    CPPUNIT_ASSERT_EQUAL(std::string(), difference(state_of(world.connection, hashes), state_of(*again)));
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

  static bool within_cohorts(const std::set<std::int64_t>& some, const std::set<std::int64_t>& all) {
    return std::includes(all.begin(), all.end(), some.begin(), some.end());
  }

  static bool pull(Connection& connection, Environment& environment, const std::atomic<bool>& stop, std::int64_t batch_bytes) {
    FeedSnapshot snapshot(connection);
    return pull_changes(snapshot, connection, environment, false, stop, batch_bytes).has_value();
  }
};

FeedOptions options_for(World& world) {
  FeedOptions options;
  options.conninfo = fmt::format("dbname={}", value(world.connection, "SELECT current_database()"));
  options.name = "the database";
  return options;
}

// As a child's thread does, until it has come about or for this long.
bool step_until(Feed& feed, std::chrono::milliseconds limit, const std::function<bool()>& come_about) {
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
  catalog::Catalog catalog{catalog::Directory(folder.path + "/catalog"), kAccess};

  Followed() { std::filesystem::create_directory(catalog.directory().path()); }
  bool says(std::size_t line, const std::string& words) const { return lines.at(line).find(words) != std::string::npos; }
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
    CPPUNIT_ASSERT_EQUAL(std::string(), difference(state_of(world.connection, false), state_of(*followed.catalog.environment())));
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
  options.conninfo += fmt::format(" host={}/server", followed.folder.path);
  options.complain_after = std::chrono::seconds(1);
  Feed feed(options, followed.catalog, kGoOn, followed.log);
  feed.step();
  CPPUNIT_ASSERT(followed.lines.empty());
  CPPUNIT_ASSERT(step_until(feed, kLong, [&] { return !followed.lines.empty(); }));
  CPPUNIT_ASSERT_MESSAGE(followed.lines[0], followed.says(0, "no news from the database for 1 seconds: "));
  // It is tried again meanwhile.
  CPPUNIT_ASSERT(!step_until(feed, std::chrono::milliseconds(1500), [&] { return followed.lines.size() > 1; }));
  std::filesystem::create_symlink(std::getenv("PGHOST"), followed.folder.path + "/server");
  CPPUNIT_ASSERT(step_until(feed, kLong, [&] { return followed.lines.size() > 2; }));
  CPPUNIT_ASSERT_MESSAGE(followed.lines[1], followed.says(1, "a new catalog of the database"));
  CPPUNIT_ASSERT_MESSAGE(followed.lines[2], followed.says(2, "the database answers again"));
}

void FeedTest::lostCallsAreMadeUpForByAsking() {
  World world(1);
  Followed followed;
  world.connection.script("DROP TRIGGER revision_notify ON revision; DROP TRIGGER mirror_rev_notify ON mirror_rev");
  const auto arrives = [&](std::chrono::milliseconds poll, std::chrono::milliseconds limit) {
    FeedOptions options = options_for(world);
    options.poll = poll;
    Feed feed(options, followed.catalog, kGoOn, followed.log);
    feed.step();
    world.change_source();
    const State after = state_of(world.connection, false);
    return step_until(feed, limit, [&] { return state_of(*followed.catalog.environment()).rev == after.rev; });
  };
  CPPUNIT_ASSERT(!arrives(std::chrono::hours(1), std::chrono::seconds(1)));
  CPPUNIT_ASSERT(arrives(std::chrono::milliseconds(200), kLong));
}

CPPUNIT_TEST_SUITE_REGISTRATION(FeedTest);

}  // namespace
}  // namespace mirror::db::test
