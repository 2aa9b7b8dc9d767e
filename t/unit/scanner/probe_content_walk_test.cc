// Tests scanner/probe/content_walk.h: which files to compare next.
#include "scanner/probe/content_walk.h"

#include <cppunit/extensions/HelperMacros.h>

namespace mirror::probe::test {
namespace {

constexpr std::int64_t kHour_s = 3600;

class ProbeContentWalkTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ProbeContentWalkTest);
  CPPUNIT_TEST(goesFromTheNewestVersionToTheOldest);
  CPPUNIT_TEST(newerVersionsGoFirst);
  CPPUNIT_TEST(beginsAgainAfterAWhile);
  CPPUNIT_TEST(beginsAgainWithAnotherListing);
  CPPUNIT_TEST(whatWasHashedGoesAtOnce);
  CPPUNIT_TEST(goesOnWhereItWasStored);
  CPPUNIT_TEST(manySpansBecomeOne);
  CPPUNIT_TEST(whatIsNoWalkBeginsAnew);
  CPPUNIT_TEST_SUITE_END();

 public:
  void goesFromTheNewestVersionToTheOldest() {
    CPPUNIT_ASSERT(!walk_.next());
    look(9);
    expect(db::VersionPlace{9}, 0);
    walk_.done(db::VersionPlace{7, 3});
    expect({7, 3}, 0);
    walk_.done(std::nullopt);
    CPPUNIT_ASSERT(!walk_.next());
    look(9);
    CPPUNIT_ASSERT(!walk_.next());
  }

  void newerVersionsGoFirst() {
    look(9);
    walk_.done(db::VersionPlace{7, 3});
    look(12);
    expect(db::VersionPlace{12}, 9);
    walk_.done(std::nullopt);
    expect({7, 3}, 0);
  }

  void beginsAgainAfterAWhile() {
    look(9);
    walk_.done(std::nullopt);
    look(9, "", kHour_s - 1);
    CPPUNIT_ASSERT(!walk_.next());
    look(9, "", kHour_s);
    expect(db::VersionPlace{9}, 0);
    walk_.done(db::VersionPlace{5, 1});  // takes longer than that
    look(9, "", 3 * kHour_s);
    expect({5, 1}, 0);
  }

  void beginsAgainWithAnotherListing() {
    look(9, "a");
    walk_.done(std::nullopt);
    look(9, "a");
    look(9, "");  // not known
    CPPUNIT_ASSERT(!walk_.next());
    look(9, "b");
    expect(db::VersionPlace{9}, 0);
  }

  void whatWasHashedGoesAtOnce() {
    walk_.again(3, 5);
    CPPUNIT_ASSERT(!walk_.next());
    look(9);
    walk_.done(db::VersionPlace{4, 3});
    walk_.again(3, 5);
    expect(db::VersionPlace{5}, 2);
    walk_.done(std::nullopt);
    expect({4, 3}, 0);
  }

  void goesOnWhereItWasStored() {
    look(9, "a", 77);
    walk_.done(db::VersionPlace{7, 3});
    look(12, "a", 78);
    const db::RememberedWalk stored = walk_.remembered();
    walk_ = ContentWalk(stored);
    CPPUNIT_ASSERT(walk_.remembered() == stored);
    look(12, "a", 79);
    expect(db::VersionPlace{12}, 9);
    walk_.done(std::nullopt);
    expect({7, 3}, 0);
  }

  void manySpansBecomeOne() {
    for (std::int64_t rev = 1; rev <= 100; ++rev) look(rev);
    CPPUNIT_ASSERT(walk_.remembered().spans.size() < 100);  // of the database
    expect(db::VersionPlace{100}, 99);
    std::int64_t lowest = 100;
    for (; walk_.next(); walk_.done(std::nullopt)) {
      CPPUNIT_ASSERT_EQUAL(lowest, walk_.next()->from.version_rev);
      lowest = walk_.next()->above_rev;
    }
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, lowest);
  }

  void whatIsNoWalkBeginsAnew() {
    walk_ = ContentWalk(db::RememberedWalk{{1, 2}, 77, ""});
    look(9, "", 78);
    expect(db::VersionPlace{9}, 0);
  }

 private:
  void look(std::int64_t newest, const std::string& listing = "", std::int64_t now_s = 0) {
    walk_.look(newest, listing, now_s, kHour_s);
  }
  void expect(db::VersionPlace from, std::int64_t above_rev) {
    CPPUNIT_ASSERT(walk_.next());
    CPPUNIT_ASSERT_EQUAL(from.version_rev, walk_.next()->from.version_rev);
    CPPUNIT_ASSERT_EQUAL(from.file_id, walk_.next()->from.file_id);
    CPPUNIT_ASSERT_EQUAL(above_rev, walk_.next()->above_rev);
  }

  ContentWalk walk_;
};
CPPUNIT_TEST_SUITE_REGISTRATION(ProbeContentWalkTest);

}  // namespace
}  // namespace mirror::probe::test
