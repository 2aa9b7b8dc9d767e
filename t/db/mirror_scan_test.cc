// Tests lib/db/merge/mirror_scan.cc and mirror_compare.cc: what a mirror's listing does, one rule
// each.
#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>

#include "db/locks.h"
#include "t/db/database.h"

namespace mirror::db::test {
namespace {

class MirrorScanTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(MirrorScanTest);
  CPPUNIT_TEST(aCompleteMirrorChangesOneCohortRowOnly);
  CPPUNIT_TEST(anUnchangedRescanWritesNothing);
  CPPUNIT_TEST(theSameListingIsNotComparedAgain);
  CPPUNIT_TEST(theSameListingIsComparedWhereItMaySayMore);
  CPPUNIT_TEST(theSmallerPartMoves);
  CPPUNIT_TEST(theSizeMustMatch);
  CPPUNIT_TEST(aMirrorThatKeepsTimesMustHaveTheTime);
  CPPUNIT_TEST(fewFilesAreEnoughToMeasureTimes);
  CPPUNIT_TEST(tooFewFilesDecideNothingAboutTimes);
  CPPUNIT_TEST(fiveFilesDecideWhetherAMirrorKeepsTimes);
  CPPUNIT_TEST(aMirrorOfBothKindsMustHaveTheTime);
  CPPUNIT_TEST(whatTheSourceRolledBackIsNotPresent);
  CPPUNIT_TEST(aMirrorThatStopsKeepingTimesIsNoticed);
  CPPUNIT_TEST(someWrongTimesDoNotMakeNewerFilesTrue);
  CPPUNIT_TEST(aRollbackAtTheSourceLeavesTheWithdrawnVersionBehind);
  CPPUNIT_TEST(otherwiseAFileMayBeYoungerButNotOlder);
  CPPUNIT_TEST(timesMatchToTheListingsPrecision);
  CPPUNIT_TEST(anOldListingDoesNotConfirmANewVersion);
  CPPUNIT_TEST(aSubtreeScanLeavesTheRestAlone);
  CPPUNIT_TEST(whatIsBelowAnUnlistedFolderKeepsItsState);
  CPPUNIT_TEST(aFileThatNothingTellsOfKeepsItsState);
  CPPUNIT_TEST(unknownAndOutdatedFilesAreCounted);
  CPPUNIT_TEST(theLastEntryOfAPathCounts);
  CPPUNIT_TEST(aShrunkListingIsRefusedUnlessForced);
  CPPUNIT_TEST(aPartIsMeasuredByTheWholeMirror);
  CPPUNIT_TEST(aFailedListingMergesNothing);
  CPPUNIT_TEST(anAbandonedListingMergesNothing);
  CPPUNIT_TEST(aDeletedMirrorStopsItsMerge);
  CPPUNIT_TEST(aMirrorThatIsListedOtherwiseStopsTheMerge);
  CPPUNIT_TEST(aChangedScanUrlMergesNothing);
  CPPUNIT_TEST(deletingAMirrorTakesItOutOfAllCohorts);
  CPPUNIT_TEST(aScannedMirrorIsStampedWithoutANewMirrorRev);
  CPPUNIT_TEST(disablingAMirrorDoesNotWaitForAMerge);
  CPPUNIT_TEST(onlyOneScanOfAMirrorAtATime);
  CPPUNIT_TEST(aKilledScanIsMarkedByTheNext);
  CPPUNIT_TEST(equalCohortsAreJoined);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override {
    connection_.emplace(database_.connect());
    one_ = add_mirror(c(), "one");
    add_mirror(c(), "two");
    tree_ = files("dir/f", 200);
    for (const Entry& e : files("pool/p", 50)) tree_.push_back(e);
    scan_source(c(), tree_);
  }

  void aCompleteMirrorChangesOneCohortRowOnly() {
    const std::string before = value(c(), kFileRows);
    const MergeReport report = scan_mirror(c(), "one", tree_);
    CPPUNIT_ASSERT(report.outcome == MergeOutcome::merged);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{250}, report.counts.gained);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{250}, report.counts.held);
    CPPUNIT_ASSERT_EQUAL(before, value(c(), kFileRows));
    CPPUNIT_ASSERT_EQUAL(std::string("1"), value(c(), "SELECT count(*) FROM cohort"));
    expect("dir/f7", "one");
  }

  void anUnchangedRescanWritesNothing() {
    scan_mirror(c(), "one", tree_);
    scan_mirror(c(), "two", files("dir/f", 100));
    const std::string before = value(c(), kFileRows) + value(c(), kCohortRows) +
                               value(c(), "SELECT count(*) FROM revision");
    CPPUNIT_ASSERT(scan_mirror(c(), "one", tree_).outcome == MergeOutcome::unchanged);
    const MergeReport report = scan_mirror(c(), "two", files("dir/f", 100));
    CPPUNIT_ASSERT(report.outcome == MergeOutcome::unchanged);
    CPPUNIT_ASSERT_EQUAL(0.0, report.lock_seconds);
    CPPUNIT_ASSERT_EQUAL(before, value(c(), kFileRows) + value(c(), kCohortRows) +
                                     value(c(), "SELECT count(*) FROM revision"));
  }

  void theSameListingIsNotComparedAgain() {
    Tree tree(tree_.begin(), tree_.end() - 5);
    tree.push_back({.path = "only/here"});
    tree.push_back({.path = "pool/p49", .size = 7777});
    const ScanCounts first = scan_mirror(c(), "one", tree).counts;
    scan_mirror(c(), "two", files("dir/f", 20));  // others may move files meanwhile
    CPPUNIT_ASSERT(!compared("one", tree));
    CPPUNIT_ASSERT(!compared("one", tree));
    Connection connection = database_.connect();
    const ScanCounts again = scan_mirror(connection, "one", tree).counts;
    CPPUNIT_ASSERT(first.unknown == 1 && again.unknown == 1 && first.outdated == 1 &&
                   again.outdated == 1);
    CPPUNIT_ASSERT(first.seen == again.seen && first.held == again.held && again.gained == 0 &&
                   again.lost == 0);
    CPPUNIT_ASSERT(value(c(),
                         "SELECT last_scan > now() - interval '1 minute' FROM mirror WHERE "
                         "identifier = 'one'") == "true");
    std::swap(tree[3].size, tree[4].size);
    CPPUNIT_ASSERT(compared("one", tree));
  }

  // Each time the same listing as before, and something that makes it mean something else.
  void theSameListingIsComparedWhereItMaySayMore() {
    const Tree part(tree_.begin(), tree_.end() - 1);
    scan_mirror(c(), "one", part);
    scan_mirror(c(), "one", tree_);
    expect("pool/p49", "one");
    CPPUNIT_ASSERT(compared("one", part));  // as it was once before, and not the last time
    expect("pool/p49", "");

    scan_mirror(c(), "one", tree_);
    scan_mirror(c(), "one", {}, {.force = true}, "pool");
    expect("pool/p7", "");
    CPPUNIT_ASSERT(compared("one", tree_));
    expect("pool/p7", "one");

    Tree newer = tree_;
    newer[7].size = 4711;
    scan_source(c(), newer);
    expect("dir/f7", "");
    scan_source(c(), tree_,
                {.force = true});  // another version again, although it looks like the first
    CPPUNIT_ASSERT(compared("one", tree_));
    expect("dir/f7", "one");
    CPPUNIT_ASSERT(!compared("one", tree_));

    // A run that ended between the merge and what is written last.
    c().script("UPDATE scan SET held = NULL WHERE mirror_id IS NOT NULL");
    CPPUNIT_ASSERT(compared("one", tree_));
    CPPUNIT_ASSERT(!compared("one", tree_));
    // What somebody did to the tables by hand.
    c().script("UPDATE cohort SET mirrors = '{}'");
    CPPUNIT_ASSERT(compared("one", tree_));
    expect("dir/f7", "one");
    CPPUNIT_ASSERT(!compared("one", tree_));
    CPPUNIT_ASSERT(compared("one", tree_, {.force = true}));
    scan_mirror(c(), "one", Tree(tree_.begin(), tree_.begin() + 10));  // refused
    CPPUNIT_ASSERT(!compared("one", tree_));
    consistent();
  }

  void theSmallerPartMoves() {
    scan_mirror(c(), "one",
                Tree(tree_.begin(), tree_.end() - 10));  // 240 gain it: the other ten move
    CPPUNIT_ASSERT_EQUAL(std::string("10"), value(c(), "SELECT count(*) FROM file WHERE rev > 1"));
    scan_mirror(c(), "two", Tree(tree_.begin(), tree_.begin() + 10));  // ten gain it and move
    CPPUNIT_ASSERT_EQUAL(std::string("10"), value(c(), "SELECT count(*) FROM file WHERE rev > 2"));
    expect("dir/f0", "one,two");
    expect("dir/f10", "one");
    expect("pool/p49", "");
    CPPUNIT_ASSERT_EQUAL(std::string("3"), value(c(), "SELECT count(*) FROM cohort"));
    consistent();
  }

  void theSizeMustMatch() {
    Tree listing = tree_;
    listing[0].size += 1;
    const MergeReport report = scan_mirror(c(), "one", listing);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, report.counts.outdated);
    expect("dir/f0", "");
    expect("dir/f1", "one");
  }

  void aMirrorThatKeepsTimesMustHaveTheTime() {
    Tree listing = tree_;
    listing[0].mtime += 1;
    scan_mirror(c(), "one", listing);
    CPPUNIT_ASSERT(find_mirror(c(), "one")->keeps_times);
    CPPUNIT_ASSERT_EQUAL(0.996, find_mirror(c(), "one")->keeps_times_share.value());
    expect("dir/f0", "");
    expect("dir/f1", "one");
    // The next part scan goes by what the full scan found.
    scan_mirror(c(), "one", listing, {}, "dir");
    expect("dir/f0", "");
  }

  void fewFilesAreEnoughToMeasureTimes() {
    Tree listing = files("pool/p", 10);
    listing[0].mtime += 1;
    scan_mirror(c(), "one", listing);
    CPPUNIT_ASSERT(find_mirror(c(), "one")->keeps_times);
    expect("pool/p0", "");
    expect("pool/p1", "one");
  }

  void tooFewFilesDecideNothingAboutTimes() {
    Tree listing = files("pool/p", 4);
    listing[0].mtime += 1;
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, scan_mirror(c(), "one", listing).counts.other_time);
    CPPUNIT_ASSERT(!find_mirror(c(), "one")->keeps_times);
    CPPUNIT_ASSERT(!find_mirror(c(), "one")->keeps_times_share);
    expect("pool/p0", "");  // undecided: times must match
    expect("pool/p1", "one");
  }

  void someWrongTimesDoNotMakeNewerFilesTrue() {
    Tree listing = files("pool/p", 10);
    for (int i = 0; i < 3; ++i) listing[i].mtime += 1;
    scan_mirror(c(), "one", listing);
    CPPUNIT_ASSERT(!find_mirror(c(), "one")->keeps_times);
    CPPUNIT_ASSERT_EQUAL(0.7, find_mirror(c(), "one")->keeps_times_share.value());
    expect("pool/p0", "");
    expect("pool/p3", "one");
  }

  void fiveFilesDecideWhetherAMirrorKeepsTimes() {
    Tree listing = files("pool/p", 5);
    scan_mirror(c(), "one", listing);
    CPPUNIT_ASSERT(find_mirror(c(), "one")->keeps_times);
    for (Entry& e : listing) e.mtime += 1;
    scan_mirror(c(), "two", listing);
    CPPUNIT_ASSERT(!find_mirror(c(), "two")->keeps_times);
    expect("pool/p0", "one,two");
  }

  void aMirrorOfBothKindsMustHaveTheTime() {
    Tree listing = files("pool/p", 50);
    for (int i = 0; i < 25; ++i) listing[i].mtime += 1;
    scan_mirror(c(), "one", listing);
    CPPUNIT_ASSERT(!find_mirror(c(), "one")->keeps_times);
    CPPUNIT_ASSERT_EQUAL(0.5, find_mirror(c(), "one")->keeps_times_share.value());
    expect("pool/p0", "");
    expect("pool/p25", "one");
  }

  // The mirror has what was withdrawn: of the same size, and newer than what replaced it.
  void whatTheSourceRolledBackIsNotPresent() {
    for (const int rolled_back : {1, 3, 6}) {
      Connection connection = database_.connect();
      const Tree withdrawn = files(fmt::format("small{}/f", rolled_back), 6);
      scan_source(connection, withdrawn, {.force = true});
      scan_mirror(connection, "one", withdrawn, {.force = true});
      Tree source = withdrawn;
      for (int i = 0; i < rolled_back; ++i) source[i].mtime = 500;
      scan_source(connection, source, {.force = true});
      for (int rescan = 0; rescan < 2; ++rescan) {
        scan_mirror(connection, "one", withdrawn, {.force = true});
        expect(source[0].path, "");
      }
      scan_mirror(connection, "one", source, {.force = true});
      expect(source[0].path, "one");
    }
  }

  void aMirrorThatStopsKeepingTimesIsNoticed() {
    Tree listing = files("pool/p", 50);
    scan_mirror(c(), "one", listing);
    for (Entry& e : listing) e.mtime += 1;
    scan_mirror(c(), "one", listing);
    CPPUNIT_ASSERT(!find_mirror(c(), "one")->keeps_times);
    expect("pool/p0", "one");
  }

  // The source goes back to an older version of the same size, which a mirror has not got yet.
  void aRollbackAtTheSourceLeavesTheWithdrawnVersionBehind() {
    scan_mirror(c(), "one", tree_);
    tree_[0].mtime -= 500;
    scan_source(c(), tree_);
    Tree small = files("dir/f", 6);
    scan_mirror(c(), "two", small);
    expect("dir/f0", "");
    expect("dir/f1", "one,two");
  }

  void otherwiseAFileMayBeYoungerButNotOlder() {
    Tree listing = tree_;
    for (Entry& e : listing) e.mtime = 5000;
    listing[0].mtime = 999;
    scan_mirror(c(), "one", listing);
    CPPUNIT_ASSERT(!find_mirror(c(), "one")->keeps_times);
    expect("dir/f0", "");
    expect("dir/f1", "one");
  }

  void timesMatchToTheListingsPrecision() {
    Tree listing = tree_;
    for (Entry& e : listing) e.mtime = 960;  // 1000, cut to the minute
    listing[0].mtime = 900;
    scan_mirror(c(), "one", listing, {}, "", Precision::minute);
    CPPUNIT_ASSERT(find_mirror(c(), "one")->keeps_times);
    expect("dir/f0", "");
    expect("dir/f1", "one");
    scan_mirror(c(), "two", listing, {}, "", Precision::day);
    expect("dir/f0", "two");
  }

  void anOldListingDoesNotConfirmANewVersion() {
    MirrorScan scan(c(), find_mirror(c(), "one").value(), "rsync", "");
    Connection other = database_.connect();
    tree_[0].mtime =
        900;  // an older time, so that a mirror's old copy of the same size looks young enough
    scan_source(other, tree_);
    for (const Entry& e : tree_) scan.add(e.path, e.size, 5000);
    scan.merge({}, {});
    expect("dir/f0", "");
    expect("dir/f1", "one");
    // Nor does a later listing: the version before had the same size, and its time is not kept.
    Tree listing = tree_;
    for (Entry& e : listing) e.mtime = 5000;
    scan_mirror(c(), "one", listing);
    expect("dir/f0", "");
    tree_[0].size = listing[0].size = 2;
    scan_source(other, tree_);
    scan_mirror(c(), "one", listing);
    expect("dir/f0", "one");
  }

  void aSubtreeScanLeavesTheRestAlone() {
    scan_mirror(c(), "one", tree_);
    const MergeReport report = scan_mirror(c(), "one", files("pool/p", 40), {}, "pool");
    CPPUNIT_ASSERT_EQUAL(std::int64_t{10}, report.counts.lost);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{240}, report.counts.held);
    expect("pool/p45", "");
    expect("dir/f1", "one");
    // What lies outside of the subtree is not looked at, names that only begin like it neither.
    CPPUNIT_ASSERT(scan_mirror(c(), "two", {tree_[0]}, {}, "pool").outcome ==
                   MergeOutcome::unchanged);
    CPPUNIT_ASSERT(scan_mirror(c(), "two", files("pool/p", 40), {}, "poo").outcome ==
                   MergeOutcome::unchanged);
    consistent();
  }

  void whatIsBelowAnUnlistedFolderKeepsItsState() {
    Tree part = files("dir/f", 200);
    for (int i = 0; i < 30; ++i) part.push_back(tree_[200 + static_cast<std::size_t>(i)]);
    scan_mirror(c(), "one", part);
    const auto scan_without_pool = [&](std::size_t of_dir) {
      MirrorScan scan(c(), find_mirror(c(), "one").value(), "http", "");
      for (std::size_t i = 0; i < of_dir; ++i)
        scan.add(tree_[i].path, tree_[i].size, tree_[i].mtime);
      scan.keep_below("pool");
      scan.keep_below("poo");  // has nothing
      return scan.merge({}, {});
    };
    const MergeReport report = scan_without_pool(199);
    CPPUNIT_ASSERT(report.counts.lost == 1 && report.counts.gained == 0);
    CPPUNIT_ASSERT(report.counts.seen == 199 && report.counts.unknown == 0);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{229}, report.counts.held);
    expect("pool/p29", "one");
    expect("pool/p30", "");
    expect("dir/f199", "");
    CPPUNIT_ASSERT(scan_without_pool(199).outcome == MergeOutcome::unchanged);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{30},
                         scan_mirror(c(), "one", files("dir/f", 199)).counts.lost);
    consistent();
  }

  void aFileThatNothingTellsOfKeepsItsState() {
    scan_mirror(c(), "one", files("dir/f", 200));
    const auto scan_rest = [&](std::size_t of_dir) {
      MirrorScan scan(c(), find_mirror(c(), "one").value(), "ftp", "");
      for (std::size_t i = 0; i < of_dir; ++i)
        scan.add(tree_[i].path, tree_[i].size, tree_[i].mtime);
      for (const char* path : {"dir/f197", "dir/f198", "pool/p0", "dir/f19", "dir", "none"})
        scan.keep(path);
      return scan.merge({}, {});
    };
    const MergeReport report = scan_rest(197);
    CPPUNIT_ASSERT(report.counts.lost == 1 && report.counts.gained == 0);
    CPPUNIT_ASSERT(report.counts.seen == 197 && report.counts.unknown == 0);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{199}, report.counts.held);
    expect("dir/f198", "one");
    expect("dir/f199", "");
    expect("pool/p0", "");
    CPPUNIT_ASSERT(scan_rest(197).outcome == MergeOutcome::unchanged);
    // One that is listed too is as it is listed.
    const MergeReport next = scan_rest(200);
    CPPUNIT_ASSERT(next.counts.gained == 1 && next.counts.unknown == 0);
    consistent();
  }

  void unknownAndOutdatedFilesAreCounted() {
    const MergeReport report = scan_mirror(
        c(), "one",
        {{.path = "stranger"}, {.path = "dir/f0", .size = 77}, {.path = "dir/f1", .size = 2}});
    CPPUNIT_ASSERT_EQUAL(std::int64_t{3}, report.counts.seen);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, report.counts.unknown);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, report.counts.outdated);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, report.counts.gained);
    CPPUNIT_ASSERT_EQUAL(
        std::string("3 1 0 1 1 merged"),
        value(c(),
              "SELECT concat_ws(' ', seen, gained, lost, unknown, outdated, outcome) FROM scan "
              "ORDER BY id DESC LIMIT 1"));
  }

  void theLastEntryOfAPathCounts() {
    scan_mirror(c(), "one",
                {{.path = "dir/f0", .size = 1},
                 {.path = "dir/f1", .size = 9},
                 {.path = "dir/f0", .size = 9},
                 {.path = "dir/f1", .size = 2}});
    expect("dir/f0", "");
    expect("dir/f1", "one");
  }

  void aShrunkListingIsRefusedUnlessForced() {
    scan_mirror(c(), "one", tree_);
    const MergeReport report = scan_mirror(c(), "one", files("dir/f", 100));
    CPPUNIT_ASSERT(report.outcome == MergeOutcome::refused);
    CPPUNIT_ASSERT(report.refusal.find("from 250 to 100") != std::string::npos);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{250}, report.counts.held);
    CPPUNIT_ASSERT(scan_mirror(c(), "one", {}).outcome == MergeOutcome::refused);
    expect("pool/p0", "one");
    CPPUNIT_ASSERT(
        scan_mirror(c(), "one", files("dir/f", 100), {.max_shrink_percent = 60}).outcome ==
        MergeOutcome::merged);
    CPPUNIT_ASSERT(scan_mirror(c(), "one", {}, {.force = true}).outcome == MergeOutcome::merged);
    expect("dir/f0", "");
    consistent();
  }

  void aPartIsMeasuredByTheWholeMirror() {
    scan_mirror(c(), "one", tree_);
    const MergeReport report = scan_mirror(c(), "one", {}, {}, "pool");
    CPPUNIT_ASSERT(report.outcome == MergeOutcome::merged);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{50}, report.counts.lost);
    const MergeReport refused = scan_mirror(c(), "one", {}, {}, "dir");
    CPPUNIT_ASSERT(refused.outcome == MergeOutcome::refused);
    CPPUNIT_ASSERT(refused.refusal.find("from 200 to 0") != std::string::npos);
  }

  void aFailedListingMergesNothing() {
    MirrorScan scan(c(), find_mirror(c(), "one").value(), "rsync", "");
    scan.add("dir/f0", 1, 1000);
    scan.fail("rsync exited 12");
    expect("dir/f0", "");
    CPPUNIT_ASSERT_EQUAL(std::string("failed: rsync exited 12"), last_scan());
  }

  void anAbandonedListingMergesNothing() {
    { MirrorScan(c(), find_mirror(c(), "one").value(), "rsync", "").add("dir/f0", 1, 1000); }
    expect("dir/f0", "");
    CPPUNIT_ASSERT_EQUAL(std::string("failed: given up"), last_scan());
  }

  void aDeletedMirrorStopsItsMerge() {
    MirrorScan scan(c(), find_mirror(c(), "one").value(), "rsync", "");
    scan.add("dir/f0", 1, 1000);
    Connection other = database_.connect();
    delete_mirror(other, one_);
    CPPUNIT_ASSERT_THROW(scan.merge({}, {}), Error);
    expect("dir/f0", "");
  }

  // What a scan of `two` by a method says after an edit of it: "" when it was merged.
  std::string scan_across(const std::string& method, const Change& edit) {
    const MirrorId two = find_mirror(c(), "two").value().mirror.id;
    MirrorScan scan(c(), find_mirror(c(), "two").value(), method, "");
    for (const Entry& e : tree_) scan.add(e.path, e.size, e.mtime);
    Connection other = database_.connect();
    update_mirror(other, two, {edit});
    try {
      scan.merge({}, {});
      return "";
    } catch (const Error&) {
      return last_scan();
    }
  }

  void aMirrorThatIsListedOtherwiseStopsTheMerge() {
    const std::string web = "http://elsewhere.example/";
    struct {
      const char* method;
      Change edit;
      bool stops;
    } const cases[] = {
        {"rsync", {"rsync_url", "rsync://elsewhere.example/module"}, true},
        {"rsync", {"rsync_options", "--bwlimit=100"}, true},
        {"rsync", {"strip_prefix", "a"}, true},
        {"rsync", {"add_prefix", "b"}, true},
        {"rsync", {"http_url", web + "1/"}, true},  // it is asked about the listing
        {"rsync", {"https_url", "https://elsewhere.example/"}, true},
        {"rsync", {"ftp_url", "ftp://elsewhere.example/1/"}, false},
        {"rsync", {"index_url", web}, false},
        {"rsync", {"weight", "7"}, false},
        {"http", {"http_url", web + "2/"}, true},
        {"http", {"index_url", web + "3/"}, true},
        {"http", {"index_options", "connections=1"}, true},
        {"http", {"rsync_url", "rsync://elsewhere.example/other"}, false},
        {"ftp", {"ftp_url", "ftp://elsewhere.example/2/"}, true},
        {"ftp", {"ftp_scan_url", "ftp://elsewhere.example/3/"}, true},
        {"ftp", {"ftp_url", "ftp://elsewhere.example/4/"}, false},  // which it has a URL besides
        {"ftp", {"ftp_options", "connections=1"}, true},
        {"s3", {"s3_url", "s3://bucket/"}, true},
        {"s3", {"s3_options", "connections=1"}, true},
        {"head", {"head_url", web}, true},
        {"head", {"head_options", "connections=1"}, true},
        {"head", {"complete", "yes"}, true},
    };
    update_mirror(c(), find_mirror(c(), "two").value().mirror.id,
                  {{"rsync_url", "rsync://two.example/module"}});
    for (const auto& c : cases) {
      const std::string what = std::string(c.method) + " " + c.edit.first;
      const std::string found = scan_across(c.method, c.edit);
      const bool stopped = found.starts_with("failed: mirror 'two' got another URL");
      CPPUNIT_ASSERT_MESSAGE(what + ": " + found, found.empty() || stopped);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(what, c.stops, stopped);
    }
  }

  void aChangedScanUrlMergesNothing() {
    MirrorScan scan(c(), find_mirror(c(), "one").value(), "http", "");
    scan.add("dir/f0", 1, 1000);
    Connection other = database_.connect();
    update_mirror(other, one_, {{"http_url", "http://elsewhere.example/"}});
    CPPUNIT_ASSERT_THROW(scan.merge({}, {}), Error);
    expect("dir/f0", "");
  }

  void deletingAMirrorTakesItOutOfAllCohorts() {
    scan_mirror(c(), "one", tree_);
    scan_mirror(c(), "two", files("dir/f", 10));
    delete_mirror(c(), one_);
    expect("dir/f0", "two");
    expect("dir/f11", "");
    CPPUNIT_ASSERT(!find_mirror(c(), "one"));
    CPPUNIT_ASSERT(add_mirror(c(), "one") > 2);  // never the same id again
    consistent();
  }

  void aScannedMirrorIsStampedWithoutANewMirrorRev() {
    const std::string before = value(c(), "SELECT rev FROM mirror_rev");
    scan_mirror(c(), "one", tree_);
    CPPUNIT_ASSERT(find_mirror(c(), "one")->last_scan_s.value() > 0);
    CPPUNIT_ASSERT_EQUAL(before, value(c(), "SELECT rev FROM mirror_rev"));
    update_mirror(c(), one_, {{"weight", "50"}});
    CPPUNIT_ASSERT(before != value(c(), "SELECT rev FROM mirror_rev"));
  }

  void disablingAMirrorDoesNotWaitForAMerge() {
    scan_mirror(c(), "one", tree_);
    Connection merging = database_.connect();
    Transaction lock(merging);
    merging.script(kTakeMergeLock);
    merging.script(
        "UPDATE cohort SET rev = rev; UPDATE file SET rev = rev; UPDATE scan SET error = ''");
    c().set_deadline(Clock::now() + std::chrono::seconds(5));
    update_mirror(c(), one_, {{"enabled", "no"}});
    c().set_deadline(std::nullopt);
    CPPUNIT_ASSERT(!find_mirror(c(), "one")->mirror.enabled);
  }

  void onlyOneScanOfAMirrorAtATime() {
    Connection other = database_.connect();
    {
      const auto lock = ScanLock::try_take(c(), one_);
      CPPUNIT_ASSERT(lock);
      CPPUNIT_ASSERT(!ScanLock::try_take(other, one_));
      CPPUNIT_ASSERT(ScanLock::try_take(other, 0));
    }
    CPPUNIT_ASSERT(ScanLock::try_take(other, one_));
  }

  void aKilledScanIsMarkedByTheNext() {
    c().run("INSERT INTO scan (mirror_id, method) VALUES ($1, 'rsync'), (NULL, 'local')",
            Params().int2(one_));
    scan_mirror(c(), "one", tree_);
    CPPUNIT_ASSERT_EQUAL(std::string("1"),
                         value(c(), "SELECT count(*) FROM scan WHERE outcome = 'running'"));
    scan_source(c(), tree_);
    CPPUNIT_ASSERT_EQUAL(std::string("2"),
                         value(c(), "SELECT count(*) FROM scan WHERE outcome = 'interrupted'"));
  }

  void equalCohortsAreJoined() {
    scan_mirror(c(), "one", files("dir/f", 20));
    delete_mirror(c(), one_);
    CPPUNIT_ASSERT_EQUAL(std::string("2"), value(c(), "SELECT count(*) FROM cohort"));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, join_cohorts(c(), 19));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{20}, join_cohorts(c(), 20));
    CPPUNIT_ASSERT_EQUAL(std::string("1"), value(c(), "SELECT count(*) FROM cohort"));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, join_cohorts(c(), 1000));
    consistent();
  }

 private:
  static constexpr const char* kFileRows =
      "SELECT md5(string_agg(t, ' ')) FROM (SELECT f::text || xmin AS t FROM file f ORDER BY id) x";
  static constexpr const char* kCohortRows =
      "SELECT md5(string_agg(t, ' ')) FROM (SELECT c::text || xmin AS t FROM cohort c ORDER BY id) "
      "x";
  Connection& c() { return *connection_; }
  void expect(const std::string& path, const std::string& mirrors) {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(path, mirrors, mirrors_of(c(), path));
  }
  void consistent() { CPPUNIT_ASSERT_EQUAL(std::string(), inconsistency(c())); }
  // Scans, and tells whether the listing was looked at more closely than as a whole.
  bool compared(const char* mirror, const Tree& tree, const MergeOptions& options = {}) {
    Connection connection = database_.connect();
    // A comparison's tables go with it; that one was made is noted in the session.
    connection.script(
        "DROP EVENT TRIGGER IF EXISTS note_table;"
        "CREATE OR REPLACE FUNCTION note_table() RETURNS event_trigger LANGUAGE plpgsql AS $$ "
        "BEGIN "
        " PERFORM set_config('test.compared', 'true', false) FROM pg_event_trigger_ddl_commands() "
        " WHERE object_identity = 'pg_temp.merge_changed'; END $$;"
        "CREATE EVENT TRIGGER note_table ON ddl_command_end WHEN TAG IN ('CREATE TABLE') "
        "EXECUTE FUNCTION note_table()");
    scan_mirror(connection, mirror, tree, options);
    return value(connection, "SELECT coalesce(current_setting('test.compared', true), '')") ==
           "true";
  }
  std::string last_scan() {
    return value(c(), "SELECT outcome || ': ' || error FROM scan ORDER BY id DESC LIMIT 1");
  }

  TestDatabase database_;
  std::optional<Connection> connection_;
  MirrorId one_ = 0;
  Tree tree_;
};
CPPUNIT_TEST_SUITE_REGISTRATION(MirrorScanTest);

}  // namespace
}  // namespace mirror::db::test
