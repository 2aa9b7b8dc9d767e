#include "t/db/feed_world.h"

#include <cppunit/TestAssert.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "catalog/reader.h"
#include "db/feed.h"
#include "db/hash/known_hashes.h"
#include "db/lookup.h"
#include "db/merge/one_file.h"
#include "db/path_rules.h"
#include "feed/pull.h"

namespace mirror::db::test {
namespace {

using catalog::Environment;
using catalog::Snapshot;
constexpr int kMirrors = 6, kFolders = 4;
const MergeOptions kForce{.force = true};

// A file or link as one line, but for its mirrors.
std::string line_of(const FeedFile& file, bool hashes) {
  if (file.link_target)
    return fmt::format("link {} gone {}", *file.link_target, file.gone_s.value_or(0));
  const FileHashes& h = file.hashes;
  std::string line =
      fmt::format("{} bytes, {}, gone {}, pending {}, {:?} {} {} {}", file.size_bytes, file.mtime_s,
                  file.gone_s.value_or(0), file.pending, h.sha256, h.btih_exists || !h.btih.empty(),
                  h.btih_v1_exists || !h.btih_v1.empty(), static_cast<int>(h.signature_kind));
  if (!hashes) return line;
  for (const std::string* text :
       {&h.md5, &h.sha1, &h.sha512, &h.btih, &h.btih_v1, &h.btmh, &h.pieces_root, &h.sha1_pieces,
        &h.piece_layer, &h.signature, &h.zsync.sums}) {
    line += fmt::format(" {:?}", *text);
  }
  return line + fmt::format(" {} {} {}", h.piece_bytes, h.zsync.block_bytes, h.zsync.md4_bytes);
}

std::string text_of(const std::set<MirrorId>& mirrors) {
  return fmt::format("{}", fmt::join(mirrors, ","));
}

std::set<MirrorId> as_set(const MirrorSet& mirrors) {
  const std::vector<MirrorId> ids = mirrors.ids();
  return {ids.begin(), ids.end()};
}

std::string name(int i) { return "m" + std::to_string(i); }

std::string folder(int i) {
  return i == 3 ? std::string(255, 'l') + '/' + std::string(250, 'l') : "d" + std::to_string(i);
}

std::string path_of(int where, int file) { return fmt::format("{}/f{}", folder(where), file); }

}  // namespace

State state_of(Connection& connection, bool hashes) {
  FeedSnapshot snapshot(connection);
  State state;
  state.rev = snapshot.state().rev, state.mirrors_rev = mirrors_rev(connection),
  state.token = snapshot.state().token;
  std::map<std::int64_t, std::set<MirrorId>> cohorts;
  snapshot.each_cohort_above(-1, [&](const std::vector<FeedSnapshot::Cohort>& page) {
    for (const auto& cohort : page)
      cohorts[cohort.id] = {cohort.mirrors.begin(), cohort.mirrors.end()};
  });
  snapshot.each_file_above(
      0, hashes ? HashParts::all : HashParts::redirect, [&](std::vector<FeedFile>& page) {
        for (const FeedFile& file : page) {
          Known& known = state.files[file.path];
          known.line = line_of(file, hashes);
          if (file.link_target) continue;
          known.mirrors = cohorts[file.cohort_id];  // none where there is no such cohort
          state.cohorts.insert(file.cohort_id);
        }
      });
  for (const auto& group : snapshot.groups_above(-1)) {
    if (!group.anchored) continue;
    state.groups[group.folder] = {group.mirrors.begin(), group.mirrors.end()};
    state.former[group.folder] = group.former;
  }
  state.mirrors = catalog::encode_mirrors(load_mirrors(connection)->all());
  return state;
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
    if (const auto cohort = snapshot->cohort(file.cohort_id))
      known.mirrors = as_set(cohort->mirrors);
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
  for (int i = 0; i < kFolders; ++i) {
    const auto group = snapshot->group(folder(i));
    if (!group) continue;
    state.groups[folder(i)] = as_set(*group);
    state.former[folder(i)] = snapshot->former_versions(folder(i));
  }
  CPPUNIT_ASSERT_EQUAL(snapshot->groups(), state.groups.size());
  state.mirrors = catalog::encode_mirrors(snapshot->mirrors()->all());
  return state;
}

std::string difference(const State& database, const State& catalog) {
  if (database.groups != catalog.groups) return "other mutable groups";
  if (database.former != catalog.former) return "other former versions of anchors";
  for (const auto& [path, known] : database.files) {
    const auto found = catalog.files.find(path);
    if (found == catalog.files.end()) return path + " is missing in the catalog";
    if (found->second.line != known.line)
      return fmt::format("{}: {} in the database, {}", path, known.line, found->second.line);
    if (found->second != known)
      return fmt::format("{}: {} have it, not {}", path, text_of(known.mirrors),
                         text_of(found->second.mirrors));
  }
  for (const auto& [path, known] : catalog.files) {
    // A link that went is only swept away after a day; nobody is shown it longer than its grace
    // time.
    if (!database.files.contains(path) && !known.line.starts_with("link"))
      return path + " is in the catalog alone";
  }
  if (database.mirrors != catalog.mirrors) return "the mirrors differ";
  if (database.rev != catalog.rev || database.token != catalog.token) return "the revisions differ";
  return database.mirrors_rev == catalog.mirrors_rev ? "" : "the mirrors' revisions differ";
}

// A group holds mirrors back that it held back before or holds back after, or all of both.
std::string wrong_groups(const State& before, const State& now, const State& after) {
  for (const auto& [folder, mirrors] : now.groups) {
    std::set<MirrorId> allowed;
    for (const State* state : {&before, &after}) {
      if (const auto found = state->groups.find(folder); found != state->groups.end())
        allowed.insert(found->second.begin(), found->second.end());
    }
    if (!std::ranges::includes(allowed, mirrors))
      return fmt::format("group {}: {} seen, {} allowed", folder, text_of(mirrors),
                         text_of(allowed));
  }
  for (const auto& [folder, mirrors] : before.groups) {
    if (after.groups.contains(folder) && !now.groups.contains(folder))
      return "group " + folder + " is missing in between";
  }
  return "";
}

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
    if (!std::ranges::includes(allowed, seen.mirrors))
      return fmt::format("{}: {} seen, {} allowed", path, text_of(seen.mirrors), text_of(allowed));
  }
  if (const std::string wrong = wrong_groups(before, now, after); !wrong.empty()) return wrong;
  for (const auto& [path, old] : before.files) {
    if (!now.files.contains(path) && after.files.contains(path))
      return path + " is missing in between";
  }
  return "";
}

std::shared_ptr<Environment> load(Connection& connection, const std::string& file, bool hashes) {
  auto environment = Environment::open(file, catalog::Open::create, kAccess);
  {
    FeedSnapshot snapshot(connection);
    CPPUNIT_ASSERT(load_files(snapshot, *environment, hashes, kGoOn));
  }
  UnreadableRows unreadable;
  complete_load(connection, *environment, unreadable);
  CPPUNIT_ASSERT_EQUAL(std::string(), unreadable.text());
  return environment;
}

World::World(unsigned seed) : connection(database_.connect()), random_(seed) {
  for (int i = 0; i < kMirrors; ++i) add_mirror(connection, name(i));
}

int World::roll(int sides) { return std::uniform_int_distribution<int>(0, sides - 1)(random_); }

void World::change() {
  const int action = roll(20);
  if (tree_.empty() || action < 6) return change_source();
  if (action == 6) return hash_some();
  if (action == 7) return replace_mirror();
  if (action == 8) return void(join_cohorts(connection, roll(50)));
  if (action == 9) return edit_mirror();
  if (action == 10) return look_at_some_files();
  if (action == 11) return edit_rules();
  scan_some_mirror();
}

void World::change_source() {
  for (int i = 1 + roll(12); i > 0; --i) {
    const std::string path = path_of(roll(4), roll(40));
    if (roll(4) == 0) {
      tree_.erase(path);
      continue;
    }
    Entry& entry = tree_[path];
    entry = {.path = path, .size = 1 + roll(3), .mtime = 1000 + roll(50), .staged = roll(8) == 0};
    if (roll(8) == 0)
      entry = {.path = path, .kind = EntryKind::link, .target = fmt::format("f{}", roll(40))};
  }
  if (tree_.empty()) return;
  Tree tree;
  for (const auto& [path, entry] : tree_) tree.push_back(entry);
  MergeOptions options = kForce;
  options.grace_s = roll(3) == 0 ? 0 : 3600;
  scan_source(connection, tree, options);
}

void World::scan_some_mirror() {
  static constexpr int kPercents[] = {0, 5, 50, 95, 100, 100};
  const int percent = kPercents[roll(6)];
  const std::string subtree = roll(3) == 0 ? folder(roll(4)) : "";
  Tree listing;
  for (const auto& [path, entry] : tree_) {
    if ((subtree.empty() || path.starts_with(subtree + '/')) && roll(100) < percent)
      listing.push_back(entry);
  }
  scan_mirror(connection, name(roll(kMirrors)), listing, kForce, subtree);
}

// Single files come to some mirrors or leave them, without a listing.
void World::look_at_some_files() {
  const Result found = connection.run(
      "SELECT m.id, f.id, f.version_rev FROM mirror m CROSS JOIN file f ORDER BY random() LIMIT $1",
      Params().int8(1 + roll(20)));
  std::vector<FileOnMirror> files;
  for (int row = 0; row < found.rows(); ++row)
    files.push_back({found.int2(row, 0), found.int8(row, 1), found.int8(row, 2)});
  roll(2) == 0 ? withdraw_files(connection, files) : confirm_files(connection, files);
}

void World::hash_some() {
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
      if (result.signature_ctime_ns > 0)
        result.hashes.signature = "s", result.hashes.signature_kind = SignatureKind::asc;
    }
  }
  store_hashes(connection, results);
}

void World::replace_mirror() {
  const std::string mirror = name(roll(kMirrors));
  delete_mirror(connection, find_mirror(connection, mirror)->mirror.id);
  add_mirror(connection, mirror);
}

void World::edit_rules() {
  const PathRules choices[] = {PathRules({"**/f7"}, {{"**", {"f1"}, {"f2"}, 3600}}),
                               PathRules({}, {{"d*", {"f1", "f3"}, {}}}), PathRules()};
  store_path_rules(connection, choices[roll(3)]);
}

void World::edit_mirror() {
  connection.run(fmt::format(
      "UPDATE mirror SET enabled = NOT enabled, weight = weight + 1 WHERE identifier = '{}'",
      name(roll(kMirrors))));
}

}  // namespace mirror::db::test
