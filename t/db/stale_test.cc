// Which mirrors are stale, by their last good scans.
#include "db/mirror/stale.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "db/mirror/standing.h"
#include "t/db/fixture.h"

namespace mirror::db::test {
namespace {

constexpr double kDay = 86400;

class StaleTest : public DatabaseTest {
  CPPUNIT_TEST_SUITE(StaleTest);
  CPPUNIT_TEST(aMirrorWhoseScanIsOldIsStaleUntilTheNextGoodOne);
  CPPUNIT_TEST(scansOfPartsAndFailedScansDoNotCount);
  CPPUNIT_TEST(noMirrorIsStaleWhenAllScansStop);
  CPPUNIT_TEST(aMirrorThatNobodyTriedToScanIsNotStale);
  CPPUNIT_TEST(aStaleMirrorStaysSoWhenItsFailedScansAreForgotten);
  CPPUNIT_TEST(aMirrorThatIsWrongStaysWrong);
  CPPUNIT_TEST(oldScansAreKnownByTheMirrorsOwnColumn);
  CPPUNIT_TEST(zeroMeansNever);
  CPPUNIT_TEST(withoutALimitItIsThreeOfTheMirrorsIntervals);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override {
    DatabaseTest::setUp();
    for (const char* name : {"a", "b", "new"}) add_mirror(owner(), name);
    scanned("a", "merged", 1);
    scanned("b", "merged", 4 * kDay);
    scanned("b", "failed", kDay);
  }

  void aMirrorWhoseScanIsOldIsStaleUntilTheNextGoodOne() {
    CPPUNIT_ASSERT_EQUAL(std::string("b stale"), judged());
    CPPUNIT_ASSERT_EQUAL(std::string("a good, b stale, new good"), standings());
    CPPUNIT_ASSERT(value(owner(), "SELECT standing_reason FROM mirror WHERE standing = 'stale'")
                       .starts_with("its last good scan was at "));
    const std::string before = value(owner(), "SELECT rev FROM mirror_rev");
    CPPUNIT_ASSERT_EQUAL(std::string(), judged());
    CPPUNIT_ASSERT_EQUAL(before, value(owner(), "SELECT rev FROM mirror_rev"));
    scanned("b", "unchanged", 0);
    CPPUNIT_ASSERT_EQUAL(std::string("b good"), judged());
    CPPUNIT_ASSERT_EQUAL(std::string("a good, b good, new good"), standings());
  }

  void scansOfPartsAndFailedScansDoNotCount() {
    scanned("b", "merged", 10, "some/folder");
    scanned("b", "failed", 5);
    scanned("b", "refused", 4);
    CPPUNIT_ASSERT_EQUAL(std::string("b stale"), judged());
  }

  void noMirrorIsStaleWhenAllScansStop() {
    owner().script("UPDATE scan SET ended = ended - interval '30 days'");
    scanned("b", "merged", 30 * kDay);
    scanned("b", "failed", 1);
    CPPUNIT_ASSERT_EQUAL(std::string(), judged());
  }

  void aMirrorThatNobodyTriedToScanIsNotStale() {
    owner().script("DELETE FROM scan WHERE outcome = 'failed'");
    CPPUNIT_ASSERT_EQUAL(std::string(), judged());
    scanned("b", "failed", 1, "some/folder");
    scanned("b", "interrupted", 1);
    scanned("b", "failed", 5 * kDay);  // before its good one
    CPPUNIT_ASSERT_EQUAL(std::string(), judged());
    scanned("b", "refused", 1);
    CPPUNIT_ASSERT_EQUAL(std::string("b stale"), judged());
  }

  void aStaleMirrorStaysSoWhenItsFailedScansAreForgotten() {
    judged();
    owner().script("DELETE FROM scan WHERE outcome = 'failed'");
    CPPUNIT_ASSERT_EQUAL(std::string(), judged());
    CPPUNIT_ASSERT_EQUAL(std::string("a good, b stale, new good"), standings());
  }

  void aMirrorThatIsWrongStaysWrong() {
    set_doubt(scanner(), 2, DoubtKind::wrong, "other files");
    CPPUNIT_ASSERT_EQUAL(std::string("b stale"), judged());
    CPPUNIT_ASSERT_EQUAL(std::string("a good, b wrong, new good"), standings());
    clear_doubt(scanner(), 2, DoubtKind::wrong);
    CPPUNIT_ASSERT_EQUAL(std::string("a good, b stale, new good"), standings());
  }

  void oldScansAreKnownByTheMirrorsOwnColumn() {
    owner().script(
        "DELETE FROM scan WHERE mirror_id = 2 AND outcome = 'merged'; UPDATE mirror SET last_scan "
        "= now() - interval '100 "
        "days' WHERE id = 2");
    CPPUNIT_ASSERT_EQUAL(std::string("b stale"), judged());
  }

  void zeroMeansNever() {
    judged();
    CPPUNIT_ASSERT_EQUAL(std::string("b good"), judged(0));
    CPPUNIT_ASSERT_EQUAL(std::string(), judged(0));
  }

  void withoutALimitItIsThreeOfTheMirrorsIntervals() {
    CPPUNIT_ASSERT_EQUAL(std::string("b stale"), judged(std::nullopt));  // 4 days; 3 of one day
    owner().script("UPDATE mirror SET scan_interval = '168' WHERE identifier = 'b'");
    CPPUNIT_ASSERT_EQUAL(std::string("b good"), judged(std::nullopt));
    owner().script("UPDATE mirror SET scan_interval = '' WHERE identifier = 'b'");
    for (int week : {1, 2, 3}) scanned("b", "merged", (4 + 7 * week) * kDay);
    CPPUNIT_ASSERT_EQUAL(std::string(), judged(std::nullopt));
    for (int hours = 0; hours <= 18; hours += 2)
      scanned("a", "unchanged", 13 * 3600 + hours * 3600);
    owner().script("DELETE FROM scan WHERE mirror_id = 1 AND outcome = 'merged'");
    scanned("a", "failed", 3600);
    scanned("new", "merged", 2 * 3600);  // eleven hours later
    CPPUNIT_ASSERT_EQUAL(std::string(), judged(std::nullopt));
    scanned("new", "merged", 600);
    CPPUNIT_ASSERT_EQUAL(std::string("a stale"), judged(std::nullopt));
  }

 private:
  void scanned(const std::string& mirror, const char* outcome, double seconds_ago,
               const char* subtree = "") {
    owner().script(fmt::format(
        "INSERT INTO scan (mirror_id, method, subtree, ended, outcome) SELECT id, 'rsync', '{}', "
        "now() - {} * interval '1 second', '{}' FROM mirror WHERE identifier = '{}'",
        subtree, seconds_ago, outcome, mirror));
  }

  std::string judged(std::optional<double> max_scan_age_s = 3 * kDay) {
    std::string text;
    for (const StaleChange& change : judge_stale(scanner(), {max_scan_age_s, 0, ""}))
      text += (text.empty() ? "" : ", ") + change.mirror + (change.is_stale ? " stale" : " good");
    return text;
  }

  std::string standings() {
    return value(owner(),
                 "SELECT string_agg(identifier || ' ' || standing, ', ' ORDER BY id) FROM mirror");
  }

  // Every test method has an object of its own from the start on, and the server has few slots.
};
CPPUNIT_TEST_SUITE_REGISTRATION(StaleTest);

}  // namespace
}  // namespace mirror::db::test
