// Tests lib/db/merge/one_file.h: single files that a mirror has or has not, one rule each.
#include "db/merge/one_file.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>

#include "t/db/database.h"

namespace mirror::db::test {
namespace {

class OneFileTest : public CppUnit::TestFixture {
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
  CPPUNIT_TEST(theScannersRoleMayDoThis);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override {
    connection_.emplace(database_.connect());
    one_ = add_mirror(c(), "one");
    two_ = add_mirror(c(), "two");
    scan_source(c(), tree_);
    scan_mirror(c(), "one", tree_);
  }
  void tearDown() override {
    CPPUNIT_ASSERT_EQUAL(std::string(), inconsistency(c()));
    connection_.reset();
  }

  void aWithdrawnFileLeavesTheMirrorAlone() {
    scan_mirror(c(), "two", tree_);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, withdraw_files(c(), {here("f7", one_)}));
    expect("f7", "two");
    expect("f8", "one,two");
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, withdraw_files(c(), {here("f7", two_)}));
    expect("f7", "");
  }

  void aConfirmedFileComesToTheMirrorAlone() {
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, confirm_files(c(), {here("f7", two_)}));
    expect("f7", "one,two");
    expect("f8", "one");
    withdraw_files(c(), {here("f7", one_)});
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, confirm_files(c(), {here("f7", one_)}));
    expect("f7", "one,two");
  }

  void manyFilesAreOneRevision() {
    const std::int64_t before = newest();
    std::vector<FileOnMirror> files;
    for (int i = 0; i < 20; ++i) files.push_back(here(fmt::format("f{}", i), two_));
    files.push_back(here("f3", two_));  // twice
    CPPUNIT_ASSERT_EQUAL(std::int64_t{20}, confirm_files(c(), files));
    expect("f19", "one,two");
    expect("f20", "one");
    CPPUNIT_ASSERT_EQUAL(std::string("2"), value(c(), "SELECT count(*) FROM cohort"));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{20}, withdraw_files(c(), {files.begin(), files.end() - 1}));
    CPPUNIT_ASSERT_EQUAL(std::string("1"), value(c(), "SELECT count(*) FROM cohort"));
    CPPUNIT_ASSERT_EQUAL(before + 2, newest());
    // Two mirrors of one file, and two files of different cohorts.
    CPPUNIT_ASSERT_EQUAL(std::int64_t{2}, withdraw_files(c(), {here("f1", one_), here("f1", two_),
                                                               here("f2", one_)}));
    expect("f1", "");
    expect("f2", "");
  }

  void whatIsSoAlreadyWritesNothing() {
    const std::int64_t before = newest();
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, confirm_files(c(), {here("f7", one_)}));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, withdraw_files(c(), {here("f7", two_)}));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, withdraw_files(c(), {}));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, withdraw_files(c(), {{one_, 123456789, 1}}));
    CPPUNIT_ASSERT_EQUAL(before, newest());
  }

  void anotherVersionIsLeftAlone() {
    const FileOnMirror old_one = here("f7", one_), old_two = here("f7", two_);
    tree_[7].size = 4711;
    scan_source(c(), tree_);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, confirm_files(c(), {old_two}));
    scan_mirror(c(), "one", tree_);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, withdraw_files(c(), {old_one}));
    expect("f7", "one");
  }

  void onlyWhatMayBeRedirectedIsConfirmed() {
    tree_[7].staged = true;
    tree_.pop_back();
    const FileOnMirror gone = here("f29", two_);
    scan_source(c(), tree_);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, confirm_files(c(), {here("f7", two_), gone}));
    c().script("UPDATE file SET pending = true WHERE path = 'f8'");
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, confirm_files(c(), {here("f8", two_)}));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, withdraw_files(c(), {here("f8", one_)}));
  }

  void aFileInItsGraceCanBeWithdrawn() {
    tree_.pop_back();
    const FileOnMirror gone = here("f29", one_);
    scan_source(c(), tree_);
    expect("f29", "one");
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, withdraw_files(c(), {gone}));
    expect("f29", "");
  }

  void aDeletedMirrorGetsNothing() {
    delete_mirror(c(), two_);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, confirm_files(c(), {here("f7", two_)}));
    expect("f7", "one");
  }

  // One file more and one less leave the mirror with as many as its last scan found.
  void theSameListingDecidesAgain() {
    scan_mirror(c(), "two", Tree(tree_.begin(), tree_.begin() + 20));
    withdraw_files(c(), {here("f7", two_)});
    confirm_files(c(), {here("f25", two_)});
    scan_mirror(c(), "two", Tree(tree_.begin(), tree_.begin() + 20));
    expect("f7", "one,two");
    expect("f25", "one");
  }

  void aScanThatComparedBeforeDecidesByItsListing() {
    MirrorScan scan(c(), find_mirror(c(), "two").value(), "rsync", "");
    for (const Entry& e : tree_) scan.add(e.path, e.size, e.mtime);
    Connection other = database_.connect();
    withdraw_files(other, {here("f7", one_)});
    CPPUNIT_ASSERT(scan.merge({Precision::second}, {}).outcome == MergeOutcome::merged);
    expect("f7", "two");
    expect("f8", "one,two");
  }

  void theScannersRoleMayDoThis() {
    Connection scanner = database_.connect("mirror_scanner");
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, withdraw_files(scanner, {here("f7", one_)}));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, confirm_files(scanner, {here("f7", two_)}));
    expect("f7", "two");
  }

 private:
  Connection& c() { return *connection_; }
  void expect(const std::string& path, const std::string& mirrors) {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(path, mirrors, mirrors_of(c(), path));
  }
  FileOnMirror here(const std::string& path, MirrorId mirror) {
    const Result found =
        c().run("SELECT id, version_rev FROM file WHERE path = $1", Params().bytes(path));
    CPPUNIT_ASSERT_MESSAGE(path, !found.empty());
    return {mirror, found.int8(0, 0), found.int8(0, 1)};
  }
  std::int64_t newest() { return std::stoll(value(c(), "SELECT max(rev) FROM revision")); }

  TestDatabase database_;
  std::optional<Connection> connection_;
  Tree tree_ = files("f", 30);
  MirrorId one_ = 0, two_ = 0;
};

CPPUNIT_TEST_SUITE_REGISTRATION(OneFileTest);

}  // namespace
}  // namespace mirror::db::test
