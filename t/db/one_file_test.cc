// Tests lib/db/merge/one_file.h: single files that a mirror has or has not, one rule each.
#include "db/merge/one_file.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>

#include "t/db/fixture.h"

namespace mirror::db::test {
namespace {

class OneFileTest : public DatabaseTest {
  CPPUNIT_TEST_SUITE(OneFileTest);
  CPPUNIT_TEST(aWithdrawnFileLeavesTheMirrorAlone);
  CPPUNIT_TEST(aConfirmedFileComesToTheMirrorAlone);
  CPPUNIT_TEST(manyFilesAreOneRevision);
  CPPUNIT_TEST(whatIsSoAlreadyWritesNothing);
  CPPUNIT_TEST(anotherVersionIsLeftAlone);
  CPPUNIT_TEST(onlyWhatMayBeRedirectedIsConfirmed);
  CPPUNIT_TEST(aFileInItsGraceCanBeWithdrawn);
  CPPUNIT_TEST(aDeletedMirrorGetsNothing);
  CPPUNIT_TEST(theSameListingDecidesAgain);
  CPPUNIT_TEST(aScanThatComparedBeforeDecidesByItsListing);
  CPPUNIT_TEST(whatChangesWhileAScanAsksIsDecidedByTheNextOne);
  CPPUNIT_TEST(theScannersRoleMayDoThis);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override {
    DatabaseTest::setUp();
    one_ = add_mirror(owner(), "one");
    two_ = add_mirror(owner(), "two");
    scan_source(owner(), tree_);
    scan_mirror(owner(), "one", tree_);
  }
  void tearDown() override {
    CPPUNIT_ASSERT_EQUAL(std::string(), inconsistency(owner()));
    DatabaseTest::tearDown();
  }

  void aWithdrawnFileLeavesTheMirrorAlone() {
    scan_mirror(owner(), "two", tree_);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, withdraw_files(owner(), {here("f7", one_)}));
    expect("f7", "two");
    expect("f8", "one,two");
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, withdraw_files(owner(), {here("f7", two_)}));
    expect("f7", "");
  }

  void aConfirmedFileComesToTheMirrorAlone() {
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, confirm_files(owner(), {here("f7", two_)}));
    expect("f7", "one,two");
    expect("f8", "one");
    withdraw_files(owner(), {here("f7", one_)});
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, confirm_files(owner(), {here("f7", one_)}));
    expect("f7", "one,two");
  }

  void manyFilesAreOneRevision() {
    const std::int64_t before = newest();
    std::vector<FileOnMirror> files;
    for (int i = 0; i < 20; ++i) files.push_back(here(fmt::format("f{}", i), two_));
    files.push_back(here("f3", two_));  // twice
    CPPUNIT_ASSERT_EQUAL(std::int64_t{20}, confirm_files(owner(), files));
    expect("f19", "one,two");
    expect("f20", "one");
    CPPUNIT_ASSERT_EQUAL(std::string("2"), value(owner(), "SELECT count(*) FROM cohort"));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{20},
                         withdraw_files(owner(), {files.begin(), files.end() - 1}));
    CPPUNIT_ASSERT_EQUAL(std::string("1"), value(owner(), "SELECT count(*) FROM cohort"));
    CPPUNIT_ASSERT_EQUAL(before + 2, newest());
    // Two mirrors of one file, and two files of different cohorts.
    CPPUNIT_ASSERT_EQUAL(
        std::int64_t{2},
        withdraw_files(owner(), {here("f1", one_), here("f1", two_), here("f2", one_)}));
    expect("f1", "");
    expect("f2", "");
  }

  void whatIsSoAlreadyWritesNothing() {
    const std::int64_t before = newest();
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, confirm_files(owner(), {here("f7", one_)}));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, withdraw_files(owner(), {here("f7", two_)}));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, withdraw_files(owner(), {}));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, withdraw_files(owner(), {{one_, 123456789, 1}}));
    CPPUNIT_ASSERT_EQUAL(before, newest());
  }

  void anotherVersionIsLeftAlone() {
    const FileOnMirror old_one = here("f7", one_), old_two = here("f7", two_);
    tree_[7].size = 4711;
    scan_source(owner(), tree_);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, confirm_files(owner(), {old_two}));
    scan_mirror(owner(), "one", tree_);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, withdraw_files(owner(), {old_one}));
    expect("f7", "one");
  }

  void onlyWhatMayBeRedirectedIsConfirmed() {
    tree_[7].staged = true;
    tree_.pop_back();
    const FileOnMirror gone = here("f29", two_);
    scan_source(owner(), tree_);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, confirm_files(owner(), {here("f7", two_), gone}));
    owner().script("UPDATE file SET pending = true WHERE path = 'f8'");
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, confirm_files(owner(), {here("f8", two_)}));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, withdraw_files(owner(), {here("f8", one_)}));
  }

  void aFileInItsGraceCanBeWithdrawn() {
    tree_.pop_back();
    const FileOnMirror gone = here("f29", one_);
    scan_source(owner(), tree_);
    expect("f29", "one");
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, withdraw_files(owner(), {gone}));
    expect("f29", "");
  }

  void aDeletedMirrorGetsNothing() {
    delete_mirror(owner(), two_);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, confirm_files(owner(), {here("f7", two_)}));
    expect("f7", "one");
  }

  // One file more and one less leave the mirror with as many as its last scan found.
  void theSameListingDecidesAgain() {
    scan_mirror(owner(), "two", Tree(tree_.begin(), tree_.begin() + 20));
    withdraw_files(owner(), {here("f7", two_)});
    confirm_files(owner(), {here("f25", two_)});
    scan_mirror(owner(), "two", Tree(tree_.begin(), tree_.begin() + 20));
    expect("f7", "one,two");
    expect("f25", "one");
  }

  void aScanThatComparedBeforeDecidesByItsListing() {
    MirrorScan scan(owner(), find_mirror(owner(), "two").value(), "rsync", "");
    for (const Entry& e : tree_) scan.add(e.path, e.size, e.mtime);
    Connection other = database().connect();
    withdraw_files(other, {here("f7", one_)});
    CPPUNIT_ASSERT(scan.merge({Precision::second}, {}).outcome == MergeOutcome::merged);
    expect("f7", "two");
    expect("f8", "one,two");
  }

  // After its comparison, and before it ends.
  void whatChangesWhileAScanAsksIsDecidedByTheNextOne() {
    const Tree listed(tree_.begin(), tree_.begin() + 20);
    for (const bool again : {false, true}) {  // compared, or the same as the last one
      scan_mirror(owner(), "two", listed);
      Connection other = database().connect();
      MergeOptions options;
      options.force = !again;
      bool asked = false;
      options.ask_for_newest = [&](const NewestFiles&) {
        asked = true;
        withdraw_files(other, {here("f7", two_)});
        confirm_files(other, {here("f25", two_)});
        return Unserved();
      };
      scan_mirror(owner(), "two", listed, options);
      CPPUNIT_ASSERT(asked);
      scan_mirror(owner(), "two", listed);
      expect("f7", "one,two");
      expect("f25", "one");
    }
  }

  void theScannersRoleMayDoThis() {
    Connection scanner = database().connect("mirror_scanner");
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, withdraw_files(scanner, {here("f7", one_)}));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, confirm_files(scanner, {here("f7", two_)}));
    expect("f7", "two");
  }

 private:
  void expect(const std::string& path, const std::string& mirrors) {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(path, mirrors, mirrors_of(owner(), path));
  }
  FileOnMirror here(const std::string& path, MirrorId mirror) {
    const Result found =
        owner().run("SELECT id, version_rev FROM file WHERE path = $1", Params().bytes(path));
    CPPUNIT_ASSERT_MESSAGE(path, !found.empty());
    return {mirror, found.int8(0, 0), found.int8(0, 1)};
  }
  std::int64_t newest() { return std::stoll(value(owner(), "SELECT max(rev) FROM revision")); }

  Tree tree_ = files("f", 30);
  MirrorId one_ = 0, two_ = 0;
};

CPPUNIT_TEST_SUITE_REGISTRATION(OneFileTest);

}  // namespace
}  // namespace mirror::db::test
