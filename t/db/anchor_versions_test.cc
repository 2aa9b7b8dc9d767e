// Tests lib/db/merge/anchor_versions.cc: which former versions of an anchor are kept, and which
// mirrors still have them, after each kind of merge.
#include "db/merge/anchor_versions.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "db/former_versions.h"
#include "db/hash/known_hashes.h"
#include "db/lookup.h"
#include "db/merge/one_file.h"
#include "db/mirror/mirrors.h"
#include "db/path_rules.h"
#include "t/db/database.h"

namespace mirror::db::test {
namespace {

const MergeOptions kForce{.force = true};
constexpr double kLimitS = 3 * 86400;
const PathRules kRules({"*.rpm"}, {{"repodata", {"repomd.xml"}, {"repomd.xml.asc"}, kLimitS},
                                   {"dists/*", {"InRelease"}, {}}});
const std::string kAnchor = "r/repodata/repomd.xml";

class AnchorVersionsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(AnchorVersionsTest);
  CPPUNIT_TEST(aMirrorThatStaysBehindHasTheFormerVersion);
  CPPUNIT_TEST(aMirrorThatCatchesUpLeavesIt);
  CPPUNIT_TEST(aMirrorInTheMiddleOfItsSyncHasNeither);
  CPPUNIT_TEST(aMirrorThatLostTheOldFilesHasNeither);
  CPPUNIT_TEST(aMirrorThatLostAFileWhichTheSourceReplacedAndDroppedHasNeither);
  CPPUNIT_TEST(aMirrorThatSkippedAVersionHasNone);
  CPPUNIT_TEST(aMirrorThatWasNeverWholeIsNotThere);
  CPPUNIT_TEST(membersMayChangeBeforeTheAnchor);
  CPPUNIT_TEST(singleFilesTellToo);
  CPPUNIT_TEST(aVersionWithoutHashesIsNotKept);
  CPPUNIT_TEST(noMoreThanFiveAreKept);
  CPPUNIT_TEST(versionsThatNobodyHasTakeNoPlace);
  CPPUNIT_TEST(anOldOneIsRemovedByTheNextMerge);
  CPPUNIT_TEST(oneThatWasReplacedInTheFutureIsRemovedToo);
  CPPUNIT_TEST(theyEndWithTheRuleAndWithTheAnchor);
  CPPUNIT_TEST(onlyAnchorsWithALimitAreKept);
  CPPUNIT_TEST(replicasHearOfEachChange);
  CPPUNIT_TEST(nobodyIsNamedThatAPlainModelDoesNotAllow);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override {
    database_.emplace();
    connection_.emplace(database_->connect());
    for (const char* name : {"one", "two", "three"}) add_mirror(c(), name);
    store_path_rules(c(), kRules);
    publish(1);
    for (const char* name : {"one", "two"}) scan_mirror(c(), name, tree(1));
  }
  void tearDown() override {
    connection_.reset();
    database_.reset();
  }

  void aMirrorThatStaysBehindHasTheFormerVersion() {
    expect("");
    publish(2);
    expect("1: one,two");
    scan_mirror(c(), "one", tree(1));
    expect("1: one,two");
    publish(3);
    expect("1: one,two");
    const FormerVersion version = load_former_versions(c(), kAnchor).at(0);
    CPPUNIT_ASSERT_EQUAL(std::string(32, '\x01'), version.sha256);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{101}, version.size_bytes);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1001}, version.mtime_s);
    CPPUNIT_ASSERT(version.replaced_s > 1'600'000'000);
  }

  void aMirrorThatCatchesUpLeavesIt() {
    publish(2);
    scan_mirror(c(), "one", tree(2), kForce);
    expect("1: two");
    publish(3);
    expect("2: one; 1: two");
    scan_mirror(c(), "two", tree(3), kForce);
    scan_mirror(c(), "one", tree(3), kForce);
    expect("");
  }

  // With new members beside the old anchor, or the new anchor before the members.
  void aMirrorInTheMiddleOfItsSyncHasNeither() {
    publish(2);
    Tree members_first = tree(1);
    members_first.push_back(entry("2-primary.xml", 12));
    scan_mirror(c(), "one", members_first, kForce);
    expect("1: two");
    scan_mirror(c(), "two",
                {entry("repomd.xml", 102, 1002), entry("1-primary.xml", 11), entry("comps.xml", 5)},
                kForce);
    expect("");
    // What was seen in between is not forgotten.
    scan_mirror(c(), "one", tree(1), kForce);
    expect("");
  }

  void aMirrorThatLostTheOldFilesHasNeither() {
    publish(2);
    scan_mirror(c(), "one", {entry("repomd.xml", 101, 1001), entry("comps.xml", 5)}, kForce);
    expect("1: two");
    scan_mirror(c(), "two", {entry("1-primary.xml", 11), entry("comps.xml", 5)}, kForce);
    expect("");
  }

  void aMirrorThatLostAFileWhichTheSourceReplacedAndDroppedHasNeither() {
    Tree second = tree(2);
    second[2].size = 6;
    scan_source(c(), second, kForce);
    hash(2);
    second.pop_back();
    scan_source(c(), second, kForce);
    scan_mirror(c(), "two", tree(1), kForce);
    expect("1: one,two");
    scan_mirror(c(), "one", {entry("repomd.xml", 101, 1001), entry("1-primary.xml", 11)}, kForce);
    expect("1: two");
  }

  // The source has 3, the mirror comes from 1 to 2: no cohort shows that.
  void aMirrorThatSkippedAVersionHasNone() {
    publish(2);
    publish(3);
    expect("1: one,two");
    Tree second = tree(1);
    second[0] = entry("repomd.xml", 102, 1002);
    scan_mirror(c(), "one", second, kForce);
    expect("1: two");
    scan_mirror(c(), "two", tree(2), kForce, "r");
    expect("");
  }

  void aMirrorThatWasNeverWholeIsNotThere() {
    scan_mirror(c(), "three", {entry("repomd.xml", 101, 1001)}, kForce);
    publish(2);
    expect("1: one,two");
  }

  void membersMayChangeBeforeTheAnchor() {
    Tree next = tree(1);
    next.push_back(entry("2-primary.xml", 12));
    scan_source(c(), next, kForce);
    expect("");
    publish(2);
    expect("1: one,two");
    scan_mirror(c(), "two", next, kForce);
    expect("1: one");
  }

  void singleFilesTellToo() {
    publish(2);
    confirm_files(c(), {file_on("r/repodata/2-primary.xml", "one")});
    expect("1: two");
    withdraw_files(c(), {file_on("r/repodata/comps.xml", "two")});
    expect("");
  }

  void aVersionWithoutHashesIsNotKept() {
    scan_source(c(), tree(2), kForce);
    scan_mirror(c(), "one", tree(2), kForce);
    expect("1: two");
    publish(3);
    expect("1: two");
  }

  void noMoreThanFiveAreKept() {
    for (int version = 2; version <= 8; ++version) {
      const std::string name = "m" + std::to_string(version);
      publish(version);
      add_mirror(c(), name);
      scan_mirror(c(), name, tree(version));
    }
    publish(9);
    expect("8: m8; 7: m7; 6: m6; 5: m5; 4: m4");
  }

  void versionsThatNobodyHasTakeNoPlace() {
    for (int version = 2; version <= 8; ++version) publish(version);
    expect("1: one,two");
  }

  void anOldOneIsRemovedByTheNextMerge() {
    publish(2);
    age(kLimitS - 60);
    scan_mirror(c(), "three", tree(2), kForce);
    expect("1: one,two");
    age(61);
    scan_mirror(c(), "three", tree(1), kForce);
    expect("");
  }

  void oneThatWasReplacedInTheFutureIsRemovedToo() {
    const auto former = [&] {
      return value(c(), "SELECT count(*) FROM anchor_version WHERE replaced_at IS NOT NULL");
    };
    publish(2);
    CPPUNIT_ASSERT_EQUAL(std::string("1"), former());
    age(-2 * kLimitS);
    scan_mirror(c(), "three", tree(2), kForce);
    CPPUNIT_ASSERT_EQUAL(std::string("0"), former());
  }

  void theyEndWithTheRuleAndWithTheAnchor() {
    publish(2);
    Tree without_anchor = tree(2);
    without_anchor.erase(without_anchor.begin());
    scan_source(c(), without_anchor, kForce);
    expect("");
    publish(3);
    scan_mirror(c(), "one", tree(3), kForce);
    publish(4);
    expect("3: one");
    store_path_rules(c(), PathRules());
    CPPUNIT_ASSERT_EQUAL(std::string("0"), value(c(), "SELECT count(*) FROM anchor_version"));
  }

  void onlyAnchorsWithALimitAreKept() {
    Tree more = tree(1);
    for (const char* path :
         {"dists/a/InRelease", "dists/a/Packages", "r/repodata/repomd.xml.asc", "r/x.rpm"})
      more.push_back({path});
    scan_source(c(), more, kForce);
    hash(7);
    CPPUNIT_ASSERT_EQUAL(
        std::string("r/repodata/repomd.xml"),
        value(c(), "SELECT string_agg(convert_from(path, 'UTF8'), ' ') FROM anchor_version"));
  }

  void replicasHearOfEachChange() {
    const auto rev = [&] { return value(c(), "SELECT rev FROM mutable_group"); };
    publish(2);
    const std::string before = rev();
    scan_mirror(c(), "three", {{"r/x.rpm"}}, kForce);
    CPPUNIT_ASSERT_EQUAL(before, rev());
    scan_mirror(c(), "two", {entry("1-primary.xml", 11)}, kForce);
    CPPUNIT_ASSERT(before != rev());
    const std::string after = rev();
    Tree other_comps = tree(1);
    other_comps[0] = entry("repomd.xml", 777, 1777);
    scan_mirror(c(), "one", other_comps, kForce);
    expect("");
    CPPUNIT_ASSERT(after != rev());
  }

  void nobodyIsNamedThatAPlainModelDoesNotAllow();

 private:
  class Events;
  Connection& c() { return *connection_; }
  static Entry entry(const std::string& name, std::int64_t size, std::int64_t mtime = 1000) {
    return {.path = "r/repodata/" + name, .size = size, .mtime = mtime};
  }
  // The anchor first.
  static Tree tree(int version) {
    return {entry("repomd.xml", 100 + version, 1000 + version),
            entry(fmt::format("{}-primary.xml", version), 10 + version), entry("comps.xml", 5)};
  }
  void publish(int version) {
    scan_source(c(), tree(version), kForce);
    hash(version);
  }
  void hash(int version) {
    std::vector<HashResult> results;
    for (const HashTarget& target : list_hash_targets(c(), "", "", HashKinds(), 100)) {
      if (target.known) continue;
      HashResult& result = results.emplace_back();
      result.file_id = target.file_id, result.version_rev = target.version_rev;
      result.size_bytes = target.size_bytes, result.mtime_s = target.mtime_s;
      result.hashes.sha256 = std::string(32, static_cast<char>(version));
    }
    store_hashes(c(), results);
  }
  void age(double seconds) {
    c().run("UPDATE anchor_version SET replaced_at = replaced_at - $1 * interval '1 second'",
            Params().float8(seconds));
  }
  FileOnMirror file_on(const std::string& path, const std::string& mirror) {
    const Result row =
        c().run("SELECT id, version_rev FROM file WHERE path = $1", Params().bytes(path));
    return {find_mirror(c(), mirror)->mirror.id, row.int8(0, 0), row.int8(0, 1)};
  }
  // "2: one; 1: two": the former versions, by their sizes, and who has each.
  void expect(const std::string& wanted) {
    const auto table = load_mirrors(c());
    std::vector<std::string> versions;
    for (const FormerVersion& version : load_former_versions(c(), kAnchor)) {
      std::vector<std::string> names;
      for (const MirrorId id : version.mirrors) names.push_back(table->find(id)->identifier);
      versions.push_back(
          fmt::format("{}: {}", version.size_bytes - 100,
                      names.empty() ? "-" : fmt::format("{}", fmt::join(names, ","))));
    }
    CPPUNIT_ASSERT_EQUAL(wanted, fmt::format("{}", fmt::join(versions, "; ")));
  }

  std::optional<TestDatabase> database_;
  std::optional<Connection> connection_;
};

using Folder = std::map<std::string, std::int64_t>;  // sizes by names; each version has its own

// What the source has, what each mirror has, and what was last seen of it. Of each version of the
// anchor: the source's folder when it was last seen whole on any mirror, and on which ones.
struct Model {
  struct Whole {
    Folder folder;
    std::set<std::string> mirrors;
  };
  Folder source;
  std::map<std::string, Folder> mirrors, seen;
  std::map<std::int64_t, Whole> whole;
  std::set<std::int64_t> hashed;  // versions of the anchor

  bool has_all(const std::string& mirror, const Folder& folder) {
    return std::all_of(folder.begin(), folder.end(), [&](const auto& file) {
      return seen[mirror].contains(file.first) && seen[mirror][file.first] == file.second;
    });
  }
  bool has_newer(const std::string& mirror, const Folder& folder) {
    return std::any_of(source.begin(), source.end(), [&](const auto& file) {
      return !folder.contains(file.first) && seen[mirror].contains(file.first) &&
             seen[mirror][file.first] == file.second;
    });
  }
  void note() {
    const std::int64_t version = source.at("repomd.xml");
    Whole now{source, {}};
    for (const auto& [name, folder] : mirrors) {
      if (has_all(name, source)) now.mirrors.insert(name);
    }
    if (!now.mirrors.empty() && hashed.contains(version)) whole[version] = now;
    for (auto& [former, then] : whole) {
      std::erase_if(then.mirrors, [&, &folder = then.folder](const std::string& name) {
        return !has_all(name, folder) || has_newer(name, folder);
      });
    }
  }
};

// Random events, each of which happens to the database and to the model alike.
class AnchorVersionsTest::Events {
 public:
  Events(AnchorVersionsTest& test, unsigned seed) : test_(test), random_(seed) {
    for (const char* name : {"repomd.xml", "a", "b", "c"}) model_.source[name] = ++versions_;
    store_path_rules(c(), PathRules());
    scan_source(c(), listing(model_.source), kForce);
    store_path_rules(c(), kRules);
  }

  void happen(int step) {
    const char* const mirrors[] = {"one", "two", "three"};
    const std::string mirror = mirrors[roll(3)];
    const int event = roll(6);
    if (event < 2)
      change_source(step);
    else if (event == 2)
      look_at_one_file(mirror);
    else
      change_and_scan(mirror);
    model_.note();
  }

  // The first mirror that is named for a version and that the model does not allow; "": none.
  std::string wrongly_named() {
    for (const FormerVersion& version : load_former_versions(c(), kAnchor)) {
      const std::set<std::string>& allowed = model_.whole[version.size_bytes].mirrors;
      for (const MirrorId id : version.mirrors) {
        const std::string name = load_mirrors(c())->find(id)->identifier;
        if (!allowed.contains(name)) return fmt::format("{} for {}", name, version.size_bytes);
        ++named_;
      }
    }
    return "";
  }
  std::size_t named() const { return named_; }

 private:
  Connection& c() { return test_.c(); }
  int roll(int sides) { return static_cast<int>(random_() % static_cast<unsigned>(sides)); }
  static Tree listing(const Folder& folder) {
    Tree tree;
    for (const auto& [name, size] : folder) tree.push_back(entry(name, size, 1000 + size));
    return tree;
  }
  template <typename Files>
  auto any_of(Files& files) {
    return std::next(files.begin(), roll(static_cast<int>(files.size())));
  }

  // Its anchor sometimes later.
  void change_source(int step) {
    for (auto& [name, size] : model_.source) {
      if (roll(3) == 0 && name != "repomd.xml") size = ++versions_;
    }
    ++versions_;
    if (roll(3) == 0) model_.source[fmt::format("n{}", versions_)] = versions_;
    if (roll(3) == 0)
      std::erase_if(model_.source, [](const auto& file) { return file.first[0] == 'n'; });
    if (roll(3) != 0) model_.source["repomd.xml"] = ++versions_;
    scan_source(c(), listing(model_.source), {.grace_s = roll(2) * 3600.0, .force = true});
    if (roll(4) == 0) return;
    test_.hash(step);
    model_.hashed.insert(model_.source["repomd.xml"]);
  }

  // Which the mirror has or lacks.
  void look_at_one_file(const std::string& mirror) {
    const std::pair<std::string, std::int64_t> file = *any_of(model_.source);
    const auto& [name, size] = file;
    const std::string path = "r/repodata/" + name;
    if (value(c(), fmt::format("SELECT count(*) FROM file WHERE path = '{}'", path)) != "1") return;
    const FileOnMirror asked = test_.file_on(path, mirror);
    const auto is_there = [&file](const Folder& folder) {
      const auto found = folder.find(file.first);
      return found != folder.end() && found->second == file.second;
    };
    if (is_there(model_.mirrors[mirror])) {
      confirm_files(c(), {asked});
      model_.seen[mirror][name] = size;
    } else {
      withdraw_files(c(), {asked});
      if (is_there(model_.seen[mirror])) model_.seen[mirror].erase(name);
    }
  }

  // Nothing, the loss of a file, or a sync, whole or half; then mostly a scan.
  void change_and_scan(const std::string& mirror) {
    Folder& there = model_.mirrors[mirror];
    const int event = roll(4);
    if (event == 1 && !there.empty()) there.erase(any_of(there));
    if (event == 2) there = model_.source;
    if (event == 3) {
      for (const auto& [name, size] : model_.source) {
        if (roll(3) != 0) there[name] = size;
      }
    }
    if (there.empty()) there = model_.source;
    if (roll(3) == 0) return;
    scan_mirror(c(), mirror, listing(there), kForce, roll(4) == 0 ? "r" : "");
    model_.seen[mirror] = there;
  }

  AnchorVersionsTest& test_;
  std::mt19937 random_;
  Model model_;
  std::int64_t versions_ = 200;
  std::size_t named_ = 0;
};

void AnchorVersionsTest::nobodyIsNamedThatAPlainModelDoesNotAllow() {
  const unsigned seed = std::random_device()();
  Events events(*this, seed);
  for (int step = 0; step < 200; ++step) {
    events.happen(step);
    CPPUNIT_ASSERT_EQUAL_MESSAGE(fmt::format("seed {}, step {}", seed, step), std::string(),
                                 events.wrongly_named());
  }
  CPPUNIT_ASSERT_MESSAGE(fmt::format("seed {}: nobody was ever behind", seed), events.named() > 0);
}

CPPUNIT_TEST_SUITE_REGISTRATION(AnchorVersionsTest);

}  // namespace
}  // namespace mirror::db::test
