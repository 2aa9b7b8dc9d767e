// Tests lib/db/merge/groups.cc: which mirrors have all members of a mutable group, after each kind
// of merge; and random changes against a plain model.
#include "db/merge/groups.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <optional>
#include <random>
#include <set>

#include "db/lookup.h"
#include "db/merge/one_file.h"
#include "db/mirror/mirrors.h"
#include "db/path_rules.h"
#include "t/db/database.h"

namespace mirror::db::test {
namespace {

const MergeOptions kForce{.force = true};
const PathRules kApt({"by-hash/**", "pool/**"}, {{"dists/*", {"InRelease"}, {"Release.gpg"}}});

// Who may serve the file, and who has it.
struct Answer {
  std::string may, has;
};

class GroupsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(GroupsTest);
  CPPUNIT_TEST(membersComeFromMirrorsThatHaveTheWholeGroup);
  CPPUNIT_TEST(anchorsAndSignaturesComeFromNoMirror);
  CPPUNIT_TEST(immutableFilesAndOtherFoldersAreNoMembers);
  CPPUNIT_TEST(aChangeAtTheSourceHoldsAllMirrorsBack);
  CPPUNIT_TEST(aWithdrawnMemberHoldsItsMirrorBack);
  CPPUNIT_TEST(aDeletedMirrorLeavesTheGroup);
  CPPUNIT_TEST(aPendingMemberHoldsAllMirrorsBack);
  CPPUNIT_TEST(aGoneFileIsNoMemberAndMayBeServed);
  CPPUNIT_TEST(aGroupEndsWithItsAnchorAndWithItsRule);
  CPPUNIT_TEST(aGroupInsideAnotherHasItsOwnMembers);
  CPPUNIT_TEST(aMergeThatChangesNothingOfAGroupLeavesItsRevision);
  CPPUNIT_TEST(randomChangesAgreeWithAPlainModel);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override {
    database_.emplace();
    connection_.emplace(database_->connect());
    for (const char* name : {"one", "two", "three"}) add_mirror(c(), name);
    tree_ = {{"dists/a/InRelease"},    {"dists/a/Release.gpg"},      {"dists/a/main/Packages"},
             {"dists/a/main/Sources"}, {"dists/a/by-hash/SHA256/0"}, {"dists/a/main/by-hash/1"},
             {"dists/b/InRelease"},    {"dists/b/main/Packages"},    {"pool/a.deb"},
             {"dists/README"}};
    scan_source(c(), tree_);
    store_path_rules(c(), kApt);
    for (const char* name : {"one", "two"}) scan_mirror(c(), name, tree_);
  }
  void tearDown() override {
    connection_.reset();
    database_.reset();
  }

  void membersComeFromMirrorsThatHaveTheWholeGroup() {
    expect("dists/a/main/Packages", "one,two");
    scan_mirror(c(), "two", without("dists/a/main/Sources"), kForce);
    expect("dists/a/main/Packages", "one", "one,two");
    expect("dists/b/main/Packages", "one,two");
    scan_mirror(c(), "three", tree_);
    expect("dists/a/main/Packages", "one,three", "one,two,three");
    scan_mirror(c(), "two", tree_);
    expect("dists/a/main/Packages", "one,two,three");
  }

  void anchorsAndSignaturesComeFromNoMirror() {
    for (const char* path : {"dists/a/InRelease", "dists/a/Release.gpg", "dists/b/InRelease"}) {
      expect(path, "", "one,two");
      CPPUNIT_ASSERT(found(path).file.origin_only);
    }
    // An old anchor on a mirror does not matter: nobody gets it there.
    scan_mirror(c(), "two", without("dists/a/InRelease"), kForce);
    expect("dists/a/main/Packages", "one,two");
  }

  void immutableFilesAndOtherFoldersAreNoMembers() {
    scan_mirror(c(), "two", without("dists/a/by-hash/SHA256/0"), kForce);
    expect("dists/a/main/Packages", "one,two");
    scan_mirror(c(), "two", without("dists/a/main/Packages"), kForce);
    expect("dists/a/main/by-hash/1", "one,two");
    expect("pool/a.deb", "one,two");
    expect("dists/README", "one,two");
    expect("dists/a/main/Sources", "one", "one,two");
  }

  void aChangeAtTheSourceHoldsAllMirrorsBack() {
    Tree next = tree_;
    next[2].mtime = 9000;
    scan_source(c(), next, kForce);
    expect("dists/a/main/Packages", "");
    expect("dists/a/main/Sources", "", "one,two");
    expect("dists/b/main/Packages", "one,two");
    Tree half = next;
    half[3].size = 99;
    scan_mirror(c(), "one", half, kForce);
    expect("dists/a/main/Packages", "", "one");
    scan_mirror(c(), "two", next, kForce);
    expect("dists/a/main/Sources", "two");
    next.push_back({"dists/a/main/Contents"});
    scan_source(c(), next, kForce);
    expect("dists/a/main/Sources", "", "two");
  }

  void aWithdrawnMemberHoldsItsMirrorBack() {
    const FileOnMirror file = file_on("dists/a/main/Sources", "one");
    withdraw_files(c(), {file});
    expect("dists/a/main/Packages", "two", "one,two");
    confirm_files(c(), {file});
    expect("dists/a/main/Packages", "one,two");
  }

  void aDeletedMirrorLeavesTheGroup() {
    delete_mirror(c(), find_mirror(c(), "one")->mirror.id);
    CPPUNIT_ASSERT_EQUAL(std::string("{2} {2}"),
                         value(c(), "SELECT string_agg(mirrors::text, ' ') FROM mutable_group"));
  }

  void aPendingMemberHoldsAllMirrorsBack() {
    c().script("UPDATE file SET pending = true WHERE path = 'dists/a/main/Sources'");
    store_path_rules(c(), PathRules({}, kApt.groups()));
    expect("dists/a/main/Packages", "", "one,two");
  }

  void aGoneFileIsNoMemberAndMayBeServed() {
    scan_source(c(), without("dists/a/main/Sources"), kForce);
    expect("dists/a/main/Packages", "one,two");
    scan_mirror(c(), "two", without("dists/a/main/Packages"), kForce);
    expect("dists/a/main/Sources", "one,two");
  }

  void aGroupEndsWithItsAnchorAndWithItsRule() {
    scan_mirror(c(), "two", without("dists/a/main/Sources"), kForce);
    scan_source(c(), without("dists/a/InRelease"), kForce);
    expect("dists/a/main/Packages", "one,two");
    scan_source(c(), tree_, kForce);
    expect("dists/a/main/Packages", "one", "one,two");
    store_path_rules(c(), PathRules());
    expect("dists/a/main/Packages", "one,two");
    expect("dists/b/InRelease", "one,two");
    CPPUNIT_ASSERT(list_groups(c()).empty());
  }

  void aGroupInsideAnotherHasItsOwnMembers() {
    store_path_rules(c(), PathRules({}, {{"**", {"InRelease"}, {}}}));
    tree_.push_back({"InRelease"});
    scan_source(c(), tree_, kForce);
    scan_mirror(c(), "two", without("dists/a/main/Sources"), kForce);
    expect("dists/a/main/Packages", "one", "one,two");
    expect("dists/README", "one,two");
    scan_mirror(c(), "one", without("pool/a.deb"), kForce);
    expect("dists/README", "two", "one,two");
    expect("dists/a/main/Packages", "one", "one,two");
  }

  void aMergeThatChangesNothingOfAGroupLeavesItsRevision() {
    const auto revs = [&] {
      return value(c(), "SELECT string_agg(rev::text, ' ' ORDER BY folder) FROM mutable_group");
    };
    const std::string before = revs();
    scan_mirror(c(), "two", without("pool/a.deb"), kForce);
    tree_.push_back({"pool/b.deb"});
    scan_source(c(), tree_, kForce);
    CPPUNIT_ASSERT_EQUAL(before, revs());
  }

  void randomChangesAgreeWithAPlainModel();

 private:
  Connection& c() { return *connection_; }
  FoundFile found(const std::string& path) {
    FoundFile file = find_file(c(), path);
    heed_rules(file, load_path_rules(c()));
    return file;
  }
  std::string names(const MirrorSet& set) {
    const auto table = load_mirrors(c());
    std::vector<MirrorId> ids = set.ids();
    std::vector<std::string> list;
    for (const MirrorId id : ids) list.push_back(table->find(id)->identifier);
    return fmt::format("{}", fmt::join(list, ","));
  }
  // `has`: by default the same.
  void expect(const std::string& path, const std::string& may,
              const std::optional<std::string>& has = {}) {
    const FoundFile file = found(path);
    CPPUNIT_ASSERT_EQUAL_MESSAGE(path, may, names(file.file.mirrors));
    CPPUNIT_ASSERT_EQUAL_MESSAGE(path, has.value_or(may), names(file.file.holders));
    CPPUNIT_ASSERT_EQUAL(std::string(), inconsistency(c()));
  }
  Tree without(const std::string& path) const {
    Tree rest = tree_;
    std::erase_if(rest, [&](const Entry& entry) { return entry.path == path; });
    return rest;
  }
  FileOnMirror file_on(const std::string& path, const std::string& mirror) {
    const Result row =
        c().run("SELECT id, version_rev FROM file WHERE path = $1", Params().bytes(path));
    return {find_mirror(c(), mirror)->mirror.id, row.int8(0, 0), row.int8(0, 1)};
  }

  std::optional<TestDatabase> database_;
  std::optional<Connection> connection_;
  Tree tree_;
};

// What the database has of each group is what its files and cohorts say, looked at one by one.
std::string wrong_group(Connection& c, const PathRules& rules) {
  std::map<std::string, std::optional<std::set<MirrorId>>> groups;
  const Result files = c.run(
      "SELECT f.path, k.mirrors FROM file f JOIN cohort k ON k.id = f.cohort_id WHERE f.gone_at IS "
      "NULL AND NOT f.staged");
  const auto path_of = [&](int row) { return std::string(files.bytes(row, 0)); };
  const auto folder_of = [](const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return path.substr(0, slash == path.npos ? 0 : slash);
  };
  for (int row = 0; row < files.rows(); ++row) {
    if (path_of(row).ends_with("/anchor") && rules.is_origin_only(path_of(row)))
      groups[folder_of(path_of(row))];
  }
  for (int row = 0; row < files.rows(); ++row) {
    std::string folder = folder_of(path_of(row));
    while (!folder.empty() && !groups.contains(folder)) folder = folder_of(folder);
    if (!groups.contains(folder) || rules.is_immutable(path_of(row)) ||
        rules.is_origin_only(path_of(row)))
      continue;
    const std::vector<MirrorId> have = files.int2_array(row, 1);
    auto& all = groups[folder];
    std::set<MirrorId> both;
    for (const MirrorId id : have) {
      if (!all || all->contains(id)) both.insert(id);
    }
    all = both;
  }
  std::map<std::string, std::set<MirrorId>> held;
  for (const HeldGroup& group : list_groups(c))
    held[group.folder] = {group.mirrors.begin(), group.mirrors.end()};
  for (const auto& [folder, mirrors] : groups) {
    if (!held.contains(folder)) return folder + " is not known";
    if (held[folder] != mirrors.value_or(std::set<MirrorId>()))
      return fmt::format("{}: {} instead of {}", folder, held[folder], *mirrors);
  }
  return held.size() == groups.size() ? "" : "there are others";
}

void GroupsTest::randomChangesAgreeWithAPlainModel() {
  const unsigned seed = std::random_device()();
  std::mt19937 random(seed);
  const auto roll = [&](int sides) {
    return static_cast<int>(random() % static_cast<unsigned>(sides));
  };
  const PathRules choices[] = {PathRules({"*.deb"}, {{"g*", {"anchor"}, {"sig"}}}),
                               PathRules({}, {{"**", {"anchor"}, {}}}),
                               PathRules({"x/**"}, {{"g1/x", {"anchor"}, {}}})};
  PathRules rules;
  store_path_rules(c(), rules);
  std::map<std::string, Entry> source;
  const auto listed = [&](int percent) {
    Tree tree;
    for (const auto& [path, entry] : source) {
      if (roll(100) < percent) tree.push_back(entry);
    }
    return tree;
  };
  for (int step = 0; step < 250; ++step) {
    const std::string which = fmt::format("seed {}, step {}", seed, step);
    const char* const mirrors[] = {"one", "two", "three"};
    switch (roll(10)) {
      case 0:
        rules = choices[roll(3)];
        store_path_rules(c(), rules);
        break;
      case 1: {
        const char* const mirror = mirrors[roll(3)];
        delete_mirror(c(), find_mirror(c(), mirror)->mirror.id);
        add_mirror(c(), mirror);
        break;
      }
      case 2:
        if (!source.empty()) {
          const auto file = std::next(source.begin(), roll(static_cast<int>(source.size())));
          if (find_file(c(), file->first).found == Found::file)
            (roll(2) ? withdraw_files : confirm_files)(c(),
                                                       {file_on(file->first, mirrors[roll(3)])});
        }
        break;
      case 3:
        join_cohorts(c(), 100);
        break;
      case 4:
      case 5:
        for (int i = roll(8); i >= 0; --i) {
          const char* const names[] = {"anchor", "sig", "a.deb", "b", "x/anchor", "x/c", "x/y/d"};
          const std::string path = fmt::format("g{}/{}", roll(3), names[roll(7)]);
          if (roll(4) == 0)
            source.erase(path);
          else
            source[path] = {.path = path, .size = 1 + roll(3), .mtime = 1000 + step};
        }
        if (!source.empty()) scan_source(c(), listed(100), kForce);
        break;
      default:
        scan_mirror(c(), mirrors[roll(3)], listed(roll(2) ? 100 : 90), kForce);
    }
    CPPUNIT_ASSERT_EQUAL_MESSAGE(which, std::string(), wrong_group(c(), rules));
  }
}

CPPUNIT_TEST_SUITE_REGISTRATION(GroupsTest);

}  // namespace
}  // namespace mirror::db::test
