// Tests lib/db/merge/head_turn.h, and listings that tell of the files in them alone.
#include "db/merge/head_turn.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>

#include <set>

#include "db/merge/scan.h"
#include "t/db/fixture.h"

namespace mirror::db::test {
namespace {

class HeadTurnTest : public OneMirrorTest {
  CPPUNIT_TEST_SUITE(HeadTurnTest);
  CPPUNIT_TEST(aTurnGoesOnWhereTheLastOneEnded);
  CPPUNIT_TEST(newFilesComeFirst);
  CPPUNIT_TEST(newFilesLeaveATenthToTheOthers);
  CPPUNIT_TEST(whatWasNotDoneHasItsTurnAgain);
  CPPUNIT_TEST(aFolderIsATurnOfItsOwn);
  CPPUNIT_TEST(filesThatAreNotListedKeepTheirState);
  CPPUNIT_TEST(whatIsListedAsNotThereIsLost);
  CPPUNIT_TEST(theScannersRoleMayDoThis);
  CPPUNIT_TEST_SUITE_END();

 public:
  void aTurnGoesOnWhereTheLastOneEnded() {
    std::set<std::string> all;
    for (const int count : {12, 12, 6}) {
      const std::vector<std::string> some = run(count);
      all.insert(some.begin(), some.end());
    }
    CPPUNIT_ASSERT_EQUAL(tree_.size(), all.size());
    HeadTurn turn(owner(), one_, "");
    const std::vector<TurnFile> files = turn.next(100, 100);
    CPPUNIT_ASSERT_EQUAL(tree_.size(), files.size());
    CPPUNIT_ASSERT(turn.next(100, 100).empty() && !turn.whole());
    for (const TurnFile& file : files) turn.done(file);
    CPPUNIT_ASSERT(turn.whole());
  }

  void newFilesComeFirst() {
    run(30);
    add_new();
    const std::vector<std::string> some = run(10);
    CPPUNIT_ASSERT_EQUAL(std::string("new0"), some.front());
    CPPUNIT_ASSERT_EQUAL(std::string("new4"), some[4]);
    CPPUNIT_ASSERT(!some[5].starts_with("new"));
    for (const std::string& path : run(10)) CPPUNIT_ASSERT(!path.starts_with("new"));
  }

  void newFilesLeaveATenthToTheOthers() {
    run(30);
    for (Entry& file : files("new", 40)) tree_.push_back(file);
    scan_source(owner(), tree_, {.force = true});
    std::size_t found_new = 0;
    for (const std::string& path : run(20)) found_new += path.starts_with("new");
    CPPUNIT_ASSERT_EQUAL(std::size_t{18}, found_new);
  }

  void whatWasNotDoneHasItsTurnAgain() {
    run(30);
    add_new();
    HeadTurn turn(owner(), one_, "");
    const std::vector<TurnFile> some = turn.next(3, 100);
    turn.done(some[0]);
    turn.keep();
    CPPUNIT_ASSERT_EQUAL(std::string("new1"), run(10).front());
  }

  void aFolderIsATurnOfItsOwn() {
    for (Entry& file : files("folder/f", 5)) tree_.push_back(file);
    scan_source(owner(), tree_, {.force = true});
    HeadTurn turn(owner(), one_, "folder");
    CPPUNIT_ASSERT_EQUAL(std::size_t{5}, turn.next(100, 100).size());
  }

  void filesThatAreNotListedKeepTheirState() {
    scan_mirror(owner(), "one", tree_);
    const MergeReport report = scan_some({{tree_[3], false}, {tree_[4], false}});
    CPPUNIT_ASSERT(report.outcome == MergeOutcome::unchanged);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{30}, report.counts.held);
    CPPUNIT_ASSERT_EQUAL(std::string(), inconsistency(owner()));
  }

  void whatIsListedAsNotThereIsLost() {
    scan_mirror(owner(), "one", tree_);
    const MergeReport report = scan_some({{tree_[3], true}, {tree_[4], false}});
    CPPUNIT_ASSERT(report.outcome == MergeOutcome::merged);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, report.counts.lost);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{29}, report.counts.held);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, report.counts.unknown);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, report.counts.outdated);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, report.counts.seen);
    CPPUNIT_ASSERT_EQUAL(std::string(), inconsistency(owner()));
  }

  void theScannersRoleMayDoThis() {
    HeadTurn turn(scanner(), one_, "");
    for (const TurnFile& file : turn.next(5, 5)) turn.done(file);
    turn.keep();
  }

 private:
  struct Told {
    Entry entry;
    bool not_there = false;
  };

  // The paths of one run with that budget.
  std::vector<std::string> run(int budget) {
    HeadTurn turn(owner(), one_, "");
    std::vector<std::string> paths;
    while (static_cast<int>(paths.size()) < budget) {
      const auto some = turn.next(budget - static_cast<int>(paths.size()), budget);
      if (some.empty()) break;
      for (const TurnFile& file : some) {
        turn.done(file);
        paths.push_back(file.path);
      }
    }
    turn.keep();
    return paths;
  }
  MergeReport scan_some(const std::vector<Told>& told) {
    const auto lock = ScanLock::try_take(owner(), one_);
    MirrorScan scan(owner(), *find_mirror(owner(), "one"), "head", "");
    for (const Told& file : told)
      scan.add(file.entry.path, file.not_there ? kNotThere : file.entry.size, file.entry.mtime);
    return scan.merge({.shows_times = false, .asked_only = true, .whole = false}, {});
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(HeadTurnTest);

}  // namespace
}  // namespace mirror::db::test
