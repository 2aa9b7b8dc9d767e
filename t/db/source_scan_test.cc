// Tests lib/db/merge/source_scan.cc: what a scan of the source does to files, one rule each.
#include <cppunit/extensions/HelperMacros.h>

#include "db/lookup.h"
#include "t/db/database.h"

namespace mirror::db::test {
namespace {

const MergeOptions kForce{.force = true};

class SourceScanTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SourceScanTest);
  CPPUNIT_TEST(newFilesHaveNoMirrors);
  CPPUNIT_TEST(anUnchangedSourceChangesNothing);
  CPPUNIT_TEST(theSameListingIsNotComparedAgain);
  CPPUNIT_TEST(theSameListingIsComparedWhereItMaySayMore);
  CPPUNIT_TEST(theSameListingInAnotherOrderIsTheSameWhereItMayBe);
  CPPUNIT_TEST(aLongListingThatChangedIsMergedWhole);
  CPPUNIT_TEST(aChangedVersionHasNoMirrorAtOnce);
  CPPUNIT_TEST(touchedWithoutDigestIsANewVersion);
  CPPUNIT_TEST(touchedWithDigestIsPendingAndKeepsItsMirrors);
  CPPUNIT_TEST(anAcceptedTimeIsTheSameVersion);
  CPPUNIT_TEST(goneFilesKeepTheirMirrorsForTheGraceTime);
  CPPUNIT_TEST(goneFilesAreAbsentAfterTheGraceTime);
  CPPUNIT_TEST(goneFilesAreForgottenInTheEnd);
  CPPUNIT_TEST(backInGraceKeepsItsMirrors);
  CPPUNIT_TEST(backAfterGraceHasNoMirrors);
  CPPUNIT_TEST(stagedFilesAreAbsentInEveryWay);
  CPPUNIT_TEST(unstagedFilesStartWithoutMirrors);
  CPPUNIT_TEST(hidingAFileTakesItsMirrorsAway);
  CPPUNIT_TEST(aFileMayBecomeALinkAndBack);
  CPPUNIT_TEST(linksLeadToTheRealFile);
  CPPUNIT_TEST(linkPrefixesLeadToTheRealFile);
  CPPUNIT_TEST(deadLinksAreNoFiles);
  CPPUNIT_TEST(linksDoNotTellOfStagedFiles);
  CPPUNIT_TEST(aRetargetedLinkLeadsElsewhere);
  CPPUNIT_TEST(theLastEntryOfAPathCounts);
  CPPUNIT_TEST(tooManyChangesAreHeld);
  CPPUNIT_TEST(fewChangesAreNeverHeld);
  CPPUNIT_TEST(anEmptyRootIsHeldEvenAtFirst);
  CPPUNIT_TEST(anySpellingOfAPathIsKept);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override {
    connection_.emplace(database_.connect());
    add_mirror(*connection_, "one");
  }

  void newFilesHaveNoMirrors() {
    const MergeReport report = scan_source(*connection_, files("dir/f", 3));
    CPPUNIT_ASSERT(report.outcome == MergeOutcome::merged);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{3}, report.counts.gained);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{3}, report.counts.held);
    expect("dir/f0", "");
    expect("dir", "directory");
    expect("dir/f", "absent");
    expect("f9", "absent");
    CPPUNIT_ASSERT_EQUAL(std::string("1"), value(*connection_, "SELECT count(*) FROM cohort"));
  }

  void anUnchangedSourceChangesNothing() {
    Tree tree = files("f", 50);
    tree.push_back({.path = "link", .kind = EntryKind::link, .target = "f1"});
    tree.push_back({.path = "secret", .staged = true});
    scan_source(*connection_, tree);
    const std::string before = rows();
    const MergeReport report = scan_source(*connection_, tree);
    CPPUNIT_ASSERT(report.outcome == MergeOutcome::unchanged);
    CPPUNIT_ASSERT_EQUAL(0.0, report.lock_seconds);
    CPPUNIT_ASSERT_EQUAL(before, rows());
    CPPUNIT_ASSERT_EQUAL(std::string("1"), value(*connection_, "SELECT count(*) FROM revision"));
  }

  void theSameListingIsNotComparedAgain() {
    Tree tree = files("f", 50);
    tree.push_back({.path = "link", .kind = EntryKind::link, .target = "f1"});
    tree.push_back({.path = "secret", .staged = true});
    tree.push_back({.path = "dir", .kind = EntryKind::directory});
    const MergeReport first = scan_source(*connection_, tree);
    for (int i = 0; i < 2; ++i) {
      CPPUNIT_ASSERT(!is_compared(tree));
      const MergeReport again = scan_source(*connection_, tree);
      CPPUNIT_ASSERT(again.outcome == MergeOutcome::unchanged);
      CPPUNIT_ASSERT_EQUAL(first.counts.held, again.counts.held);
      CPPUNIT_ASSERT_EQUAL(first.counts.seen, again.counts.seen);
    }
    tree[1].size += 1;
    CPPUNIT_ASSERT(is_compared(tree) && !is_compared(tree));
    tree[50].target = "f2";
    CPPUNIT_ASSERT(is_compared(tree) && !is_compared(tree));
    CPPUNIT_ASSERT_EQUAL(std::string("f2"), value(*connection_,
                                                  "SELECT encode(link_target, 'escape') FROM file "
                                                  "WHERE path = 'link'"));
  }

  void theSameListingIsComparedWhereItMaySayMore() {
    Tree tree = files("f", 50);
    scan_source(*connection_, tree);
    CPPUNIT_ASSERT(is_compared(tree, kForce) && !is_compared(tree));
    connection_->script("UPDATE source SET rev = (SELECT max(rev) + 1 FROM revision)");
    CPPUNIT_ASSERT(is_compared(tree));
    connection_->script("UPDATE source SET rev = (SELECT max(rev) FROM revision)");
    CPPUNIT_ASSERT(!is_compared(tree));
    hash("f2", "1000");
    connection_->script("UPDATE file SET pending = true WHERE path = 'f2'");
    CPPUNIT_ASSERT(is_compared(tree));
    CPPUNIT_ASSERT(!is_compared(tree));
    connection_->script("DELETE FROM file WHERE path = 'f3'");
    CPPUNIT_ASSERT(is_compared(tree) && !is_compared(tree));
    SourceScan(*connection_, "local", "d").merge({});
    CPPUNIT_ASSERT(is_compared(tree) && !is_compared(tree));
    SourceScan other(*connection_, "rsync");
    for (const Entry& entry : tree)
      other.add(entry.path, entry.kind, entry.size, entry.mtime, false);
    other.merge({});
    CPPUNIT_ASSERT(is_compared(tree) && !is_compared(tree));
    tree[0].ctime_ns = 1;
    CPPUNIT_ASSERT(is_compared(tree) && is_compared(tree));
    tree.pop_back();
    tree[0].ctime_ns = std::nullopt;
    scan_source(*connection_, tree);
    CPPUNIT_ASSERT(!is_compared(tree));
    age("25 hours");
    CPPUNIT_ASSERT(is_compared(tree) && !is_compared(tree));
  }

  void theSameListingInAnotherOrderIsTheSameWhereItMayBe() {
    const Tree tree = files("f", 50), back(tree.rbegin(), tree.rend());
    const Fidelity any{.in_any_order = true};
    CPPUNIT_ASSERT(is_compared(tree, {}, any) && !is_compared(back, {}, any));
    Tree swapped = back;
    std::swap(swapped[3].size, swapped[4].size);
    CPPUNIT_ASSERT(is_compared(swapped, kForce, any) && !is_compared(swapped, {}, any));
    CPPUNIT_ASSERT(is_compared(back, {}, any) && !is_compared(tree, {}, any));
    CPPUNIT_ASSERT(is_compared(tree) && is_compared(back));
  }

  // More of it than waits until its end is known.
  void aLongListingThatChangedIsMergedWhole() {
    Tree tree = files(std::string(2000, 'p') + '/', 10'000);
    scan_source(*connection_, tree);
    tree[1].size += 1;
    tree.back().size += 1;
    CPPUNIT_ASSERT_EQUAL(std::int64_t{2}, scan_source(*connection_, tree).counts.changed);
    CPPUNIT_ASSERT(scan_source(*connection_, tree).outcome == MergeOutcome::unchanged);
    CPPUNIT_ASSERT_EQUAL(std::string("10000"),
                         value(*connection_, "SELECT count(*) FROM file WHERE gone_at IS NULL"));
  }

  void aChangedVersionHasNoMirrorAtOnce() {
    Tree tree = on_mirror();
    tree[0].size += 1;
    const MergeReport report = scan_source(*connection_, tree, kForce);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, report.counts.changed);
    expect("f0", "");
    expect("f1", "one");
    CPPUNIT_ASSERT_EQUAL(
        std::string("true"),
        value(*connection_,
              "SELECT version_rev = (SELECT max(rev) FROM revision) FROM file WHERE path = 'f0'"));
  }

  void touchedWithoutDigestIsANewVersion() {
    Tree tree = on_mirror();
    tree[0].mtime += 1;
    scan_source(*connection_, tree, kForce);
    expect("f0", "");
  }

  void touchedWithDigestIsPendingAndKeepsItsMirrors() {
    Tree tree = on_mirror();
    hash("f0", "1000");
    tree[0].mtime = 2000;
    scan_source(*connection_, tree, kForce);
    expect("f0", "pending");
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, find_file(*connection_, "f0").file.mirrors.size());
    CPPUNIT_ASSERT(scan_source(*connection_, tree).outcome == MergeOutcome::unchanged);
    // A listing says nothing about it until it is hashed: neither with the old time nor without the
    // file.
    CPPUNIT_ASSERT(scan_mirror(*connection_, "one", files("f", 10)).outcome ==
                   MergeOutcome::unchanged);
    tree[0].size += 1;
    scan_source(*connection_, tree, kForce);
    expect("f0", "");
    CPPUNIT_ASSERT_EQUAL(std::string("0"), value(*connection_, "SELECT count(*) FROM hash"));
  }

  void anAcceptedTimeIsTheSameVersion() {
    Tree tree = on_mirror();
    hash("f0", "1000, 3000");
    tree[0].mtime = 3000;
    const MergeReport report = scan_source(*connection_, tree);
    CPPUNIT_ASSERT(report.outcome == MergeOutcome::merged);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, report.counts.changed);
    expect("f0", "one");
    // A mirror may have it under either time.
    CPPUNIT_ASSERT(scan_mirror(*connection_, "one", files("f", 10)).outcome ==
                   MergeOutcome::unchanged);
  }

  void goneFilesKeepTheirMirrorsForTheGraceTime() {
    Tree tree = on_mirror();
    tree.pop_back();
    const MergeReport report = scan_source(*connection_, tree, kForce);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, report.counts.lost);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{9}, report.counts.held);
    expect("f9", "one");
    CPPUNIT_ASSERT(scan_source(*connection_, tree).outcome == MergeOutcome::unchanged);
    // A mirror that no longer has it loses it; one that still has it does not gain it.
    add_mirror(*connection_, "two");
    scan_mirror(*connection_, "two", files("f", 10));
    expect("f9", "one");
    scan_mirror(*connection_, "one", tree);
    expect("f9", "");
    consistent();
  }

  void goneFilesAreAbsentAfterTheGraceTime() {
    Tree tree = on_mirror();
    tree.pop_back();
    scan_source(*connection_, tree, kForce);
    age("25 hours");
    expect("f9", "absent");
    CPPUNIT_ASSERT(scan_source(*connection_, tree).outcome == MergeOutcome::merged);
    CPPUNIT_ASSERT_EQUAL(
        std::string("true"),
        value(*connection_, "SELECT cohort_id IS NULL FROM file WHERE path = 'f9'"));
    CPPUNIT_ASSERT(scan_source(*connection_, tree).outcome == MergeOutcome::unchanged);
    consistent();
  }

  void goneFilesAreForgottenInTheEnd() {
    Tree tree = on_mirror();
    tree.pop_back();
    scan_source(*connection_, tree, kForce);
    age("32 days");
    scan_source(*connection_, tree);
    CPPUNIT_ASSERT_EQUAL(std::string("9"), value(*connection_, "SELECT count(*) FROM file"));
    consistent();
  }

  void backInGraceKeepsItsMirrors() {
    Tree tree = on_mirror();
    scan_source(*connection_, Tree(tree.begin(), tree.end() - 1), kForce);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, scan_source(*connection_, tree).counts.gained);
    expect("f9", "one");
    consistent();
  }

  void backAfterGraceHasNoMirrors() {
    Tree tree = on_mirror();
    scan_source(*connection_, Tree(tree.begin(), tree.end() - 1), kForce);
    age("25 hours");
    scan_source(*connection_, tree);
    expect("f9", "");
    consistent();
  }

  void stagedFilesAreAbsentInEveryWay() {
    scan_source(
        *connection_,
        {{.path = "a"}, {.path = "new/b", .staged = true}, {.path = "new/dir/c", .staged = true}});
    expect("new/b", "absent");
    expect("new", "absent");
    expect("new/dir", "absent");
    scan_mirror(*connection_, "one", {{.path = "a"}, {.path = "new/b"}});
    expect("new/b", "absent");
    consistent();
  }

  void unstagedFilesStartWithoutMirrors() {
    Tree tree = {{.path = "a"}, {.path = "b", .staged = true}};
    scan_source(*connection_, tree);
    scan_mirror(*connection_, "one", tree);
    tree[1].staged = false;
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, scan_source(*connection_, tree).counts.gained);
    expect("b", "");
    scan_mirror(*connection_, "one", tree);
    expect("b", "one");
    consistent();
  }

  void hidingAFileTakesItsMirrorsAway() {
    Tree tree = on_mirror();
    tree[0].staged = true;
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, scan_source(*connection_, tree, kForce).counts.lost);
    expect("f0", "absent");
    consistent();
  }

  void aFileMayBecomeALinkAndBack() {
    Tree tree = on_mirror();
    const Entry file = tree[0];
    tree[0] = {.path = "f0", .kind = EntryKind::link, .target = "f1"};
    scan_source(*connection_, tree, kForce);
    CPPUNIT_ASSERT_EQUAL(std::string("f1"), find_file(*connection_, "f0").file.path);
    consistent();
    tree[0] = file;
    scan_source(*connection_, tree, kForce);
    expect("f0", "");
    consistent();
  }

  void linksLeadToTheRealFile() {
    Tree tree = on_mirror();
    tree.push_back({.path = "dir", .kind = EntryKind::directory});
    tree.push_back({.path = "dir/link", .kind = EntryKind::link, .target = "../again"});
    tree.push_back({.path = "again", .kind = EntryKind::link, .target = "f3"});
    scan_source(*connection_, tree);
    CPPUNIT_ASSERT_EQUAL(std::string("f3"), find_file(*connection_, "dir/link").file.path);
    expect("again", "one");
    // A link in a mirror's listing does not matter, a file there under the link's name neither.
    CPPUNIT_ASSERT(scan_mirror(*connection_, "one", tree).outcome == MergeOutcome::unchanged);
  }

  void linkPrefixesLeadToTheRealFile() {
    scan_source(*connection_,
                {{.path = "dists", .kind = EntryKind::directory},
                 {.path = "dists/trixie", .kind = EntryKind::directory},
                 {.path = "dists/trixie/Release"},
                 {.path = "dists/trixie/new", .kind = EntryKind::link, .target = "Release"},
                 {.path = "dists/stable", .kind = EntryKind::link, .target = "trixie"},
                 {.path = "self", .kind = EntryKind::link, .target = "."}});
    CPPUNIT_ASSERT_EQUAL(std::string("dists/trixie/Release"),
                         find_file(*connection_, "dists/stable/Release").file.path);
    CPPUNIT_ASSERT_EQUAL(std::string("dists/trixie/Release"),
                         find_file(*connection_, "dists/stable/new").file.path);
    CPPUNIT_ASSERT_EQUAL(std::string("dists/trixie/Release"),
                         find_file(*connection_, "self/dists/stable/new").file.path);
    expect("dists/stable", "directory");
    expect("self", "directory");
    expect("dists/stable/none", "absent");
    // Forty times through the same link is as far as the kernel goes.
    std::string deep;
    for (int i = 0; i < 50; ++i) deep += "self/";
    expect(deep + "dists/trixie/Release", "absent");
  }

  void deadLinksAreNoFiles() {
    const MergeReport report = scan_source(
        *connection_, {{.path = "a"},
                       {.path = "dangling", .kind = EntryKind::link, .target = "none"},
                       {.path = "loop", .kind = EntryKind::link, .target = "loop"},
                       {.path = "escaping", .kind = EntryKind::link, .target = "../../etc/passwd"},
                       {.path = "absolute", .kind = EntryKind::link, .target = "/etc/passwd"}});
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, report.counts.held);
    for (const char* path : {"dangling", "loop", "escaping", "absolute"}) expect(path, "absent");
    CPPUNIT_ASSERT_EQUAL(std::string("1"), value(*connection_, "SELECT count(*) FROM file"));
  }

  void linksDoNotTellOfStagedFiles() {
    scan_source(*connection_,
                {{.path = "a"},
                 {.path = "new", .kind = EntryKind::directory, .staged = true},
                 {.path = "new/b", .staged = true},
                 {.path = "new/out", .kind = EntryKind::link, .staged = true, .target = "../a"},
                 {.path = "to-file", .kind = EntryKind::link, .target = "new/b"},
                 {.path = "to-dir", .kind = EntryKind::link, .target = "new"},
                 {.path = "through", .kind = EntryKind::link, .target = "new/out"}});
    for (const char* path : {"to-file", "to-dir", "to-dir/b", "through", "new/out"})
      expect(path, "absent");
  }

  void aRetargetedLinkLeadsElsewhere() {
    Tree tree = on_mirror();
    tree.push_back({.path = "link", .kind = EntryKind::link, .target = "f1"});
    scan_source(*connection_, tree);
    tree.back().target = "f2";
    CPPUNIT_ASSERT(scan_source(*connection_, tree, kForce).outcome == MergeOutcome::merged);
    CPPUNIT_ASSERT_EQUAL(std::string("f2"), find_file(*connection_, "link").file.path);
  }

  void theLastEntryOfAPathCounts() {
    scan_source(*connection_, {{.path = "a", .size = 1},
                               {.path = "b", .kind = EntryKind::link, .target = "a"},
                               {.path = "a", .size = 2},
                               {.path = "b", .size = 5}});
    CPPUNIT_ASSERT_EQUAL(std::int64_t{2}, find_file(*connection_, "a").file.size_bytes);
    CPPUNIT_ASSERT_EQUAL(std::string("b"), find_file(*connection_, "b").file.path);
  }

  void tooManyChangesAreHeld() {
    Tree tree = files("f", 400);
    scan_source(*connection_, tree);
    const std::string before = rows();
    for (int i = 0; i < 12; ++i) tree[i].size += 1;
    tree.resize(388);
    const MergeReport report = scan_source(*connection_, tree);
    CPPUNIT_ASSERT(report.outcome == MergeOutcome::refused);
    CPPUNIT_ASSERT(report.refusal.starts_with("24 of 400 files changed or are gone"));
    CPPUNIT_ASSERT_EQUAL(before, rows());
    CPPUNIT_ASSERT_EQUAL(std::string("held"),
                         value(*connection_, "SELECT outcome FROM scan ORDER BY id DESC LIMIT 1"));
    CPPUNIT_ASSERT(scan_source(*connection_, tree, {.max_change_percent = 6}).outcome ==
                   MergeOutcome::merged);
  }

  void fewChangesAreNeverHeld() {
    Tree tree = files("f", 30);
    scan_source(*connection_, tree);
    tree.resize(10);
    CPPUNIT_ASSERT(scan_source(*connection_, tree).outcome == MergeOutcome::refused);
    tree = files("f", 11);
    CPPUNIT_ASSERT(scan_source(*connection_, tree).outcome == MergeOutcome::merged);
  }

  void anEmptyRootIsHeldEvenAtFirst() {
    CPPUNIT_ASSERT(scan_source(*connection_, {}).outcome == MergeOutcome::refused);
    scan_source(*connection_, files("f", 3));
    CPPUNIT_ASSERT(scan_source(*connection_, {}, {.max_change_percent = 100}).outcome ==
                   MergeOutcome::refused);
    expect("f0", "");
    CPPUNIT_ASSERT(scan_source(*connection_, {}, kForce).outcome == MergeOutcome::merged);
    CPPUNIT_ASSERT_EQUAL(
        std::string("3"),
        value(*connection_, "SELECT count(*) FROM file WHERE gone_at IS NOT NULL"));
  }

  void anySpellingOfAPathIsKept() {
    const Tree tree = {{.path = "a b"},          {.path = "100%25"},
                       {.path = "x?y#z"},        {.path = "new\nline"},
                       {.path = "\xff\x01\xfe"}, {.path = "'; DROP TABLE file; --"},
                       {.path = "\\x41"},        {.path = std::string(2048, 'p')}};
    scan_source(*connection_, tree);
    scan_mirror(*connection_, "one", tree);
    for (const Entry& entry : tree) expect(entry.path, "one");
  }

 private:
  // Whether a scan notices a difference that only a comparison can show, and mends it.
  bool is_compared(const Tree& tree, const MergeOptions& options = {},
                   const Fidelity& fidelity = {}) {
    connection_->script("UPDATE file SET mtime = 5 WHERE path = 'f1'");
    SourceScan scan(*connection_, "local");
    for (const Entry& e : tree)
      scan.add(e.path, e.kind, e.size, e.mtime, e.staged, e.target, e.ctime_ns);
    scan.merge(options, fidelity);
    const bool mended =
        value(*connection_, "SELECT mtime FROM file WHERE path = 'f1'") == std::string("1000");
    connection_->script("UPDATE file SET mtime = 1000 WHERE path = 'f1'");
    return mended;
  }
  // Ten files f0 to f9, all on mirror `one`.
  Tree on_mirror() {
    const Tree tree = files("f", 10);
    scan_source(*connection_, tree);
    scan_mirror(*connection_, "one", tree);
    return tree;
  }
  void hash(const std::string& path, const std::string& mtimes) {
    connection_->script(
        "INSERT INTO hash (file_id, version_rev, sha256, mtimes) SELECT id, version_rev, "
        "sha256(path), ARRAY[" +
        mtimes + "]::bigint[] FROM file WHERE path = '" + path + "'");
  }
  void age(const std::string& by) {
    connection_->script("UPDATE file SET gone_at = gone_at - interval '" + by + "'");
  }
  std::string rows() {
    return value(*connection_,
                 "SELECT md5(string_agg(t, ' ')) FROM (SELECT f::text || xmin AS t FROM file f "
                 "ORDER BY id) x") +
           value(*connection_,
                 "SELECT md5(string_agg(t, ' ')) FROM (SELECT c::text || xmin AS t FROM cohort c "
                 "ORDER BY id) x");
  }
  void expect(const std::string& path, const std::string& mirrors) {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(path, mirrors, mirrors_of(*connection_, path));
  }
  void consistent() { CPPUNIT_ASSERT_EQUAL(std::string(), inconsistency(*connection_)); }

  TestDatabase database_;
  std::optional<Connection> connection_;
};
CPPUNIT_TEST_SUITE_REGISTRATION(SourceScanTest);

}  // namespace
}  // namespace mirror::db::test
