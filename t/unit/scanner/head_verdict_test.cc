#include "scanner/fresh/head_verdict.h"

#include <cppunit/extensions/HelperMacros.h>

#include <optional>

namespace mirror::fresh {
namespace {

constexpr std::int64_t kHour = 3600, kNew = 1'000'000'000, kTouched = kNew + 50, kOld = kNew - 500;
const db::MeasuredTimes kKept{1.0, 0}, kNotKept{0.0, 0}, kUnknown{std::nullopt, 0};

db::FreshFile file(std::vector<std::int64_t> earlier_mtimes_s = {}) {
  db::FreshFile file;
  file.size_bytes = 10;
  file.mtimes_s = {kNew, kTouched};
  file.earlier_mtimes_s = std::move(earlier_mtimes_s);
  return file;
}

bool shows(const db::MeasuredTimes& times, std::optional<std::int64_t> mtime_s,
           std::vector<std::int64_t> earlier_mtimes_s = {}) {
  return confirms(file(std::move(earlier_mtimes_s)), false, times, {10, mtime_s});
}

}  // namespace

class HeadVerdictTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(HeadVerdictTest);
  CPPUNIT_TEST(anotherSizeIsAnotherVersion);
  CPPUNIT_TEST(ofAnImmutableFileTheSizeIsEnough);
  CPPUNIT_TEST(whereTimesAreKeptTheyMustBeTheVersions);
  CPPUNIT_TEST(aTimeThatAnEarlierVersionHadTellsNothing);
  CPPUNIT_TEST(whereTimesAreNotKeptANewerOneIsEnoughUnlessAnEarlierVersionHasTheSize);
  CPPUNIT_TEST(aConstantOffsetIsTakenOff);
  CPPUNIT_TEST_SUITE_END();

 public:
  void anotherSizeIsAnotherVersion() {
    for (const bool immutable : {false, true}) {
      CPPUNIT_ASSERT(!confirms(file(), immutable, kKept, {11, kNew}));
      CPPUNIT_ASSERT(!confirms(file(), immutable, kKept, {std::nullopt, kNew}));
    }
  }

  void ofAnImmutableFileTheSizeIsEnough() {
    CPPUNIT_ASSERT(confirms(file({kOld}), true, kKept, {10, kOld}));
    CPPUNIT_ASSERT(confirms(file(), true, kKept, {10, std::nullopt}));
  }

  void whereTimesAreKeptTheyMustBeTheVersions() {
    for (const db::MeasuredTimes& times : {kKept, kUnknown}) {
      CPPUNIT_ASSERT(shows(times, kNew));
      CPPUNIT_ASSERT(shows(times, kTouched));
      CPPUNIT_ASSERT(shows(times, kNew, {kOld}));
      CPPUNIT_ASSERT(!shows(times, kNew + 1));
      CPPUNIT_ASSERT(!shows(times, kOld, {kOld}));
      CPPUNIT_ASSERT(!shows(times, std::nullopt));
    }
  }

  void aTimeThatAnEarlierVersionHadTellsNothing() {
    CPPUNIT_ASSERT(!shows(kKept, kNew, {kOld, kNew}));
    CPPUNIT_ASSERT(shows(kKept, kTouched, {kOld, kNew}));
  }

  void whereTimesAreNotKeptANewerOneIsEnoughUnlessAnEarlierVersionHasTheSize() {
    CPPUNIT_ASSERT(shows(kNotKept, kNew));
    CPPUNIT_ASSERT(shows(kNotKept, kNew + 9 * kHour));
    CPPUNIT_ASSERT(!shows(kNotKept, kNew - 1));
    CPPUNIT_ASSERT(!shows(kNotKept, kNew + 9 * kHour, {kOld}));
    CPPUNIT_ASSERT(!shows(kNotKept, std::nullopt));
  }

  void aConstantOffsetIsTakenOff() {
    for (const std::int64_t offset_s : {kHour, -kHour, 14 * kHour}) {
      const db::MeasuredTimes shifted{1.0, offset_s};
      CPPUNIT_ASSERT(shows(shifted, kNew + offset_s));
      CPPUNIT_ASSERT(!shows(shifted, kNew));
      // The earlier version as this mirror shows it looks like the new one elsewhere.
      CPPUNIT_ASSERT(!shows(shifted, kNew, {kNew - offset_s}));
      const db::MeasuredTimes not_kept{0.0, offset_s};
      CPPUNIT_ASSERT(shows(not_kept, kNew + offset_s));
      CPPUNIT_ASSERT(!shows(not_kept, kNew + offset_s - 1));
    }
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(HeadVerdictTest);

}  // namespace mirror::fresh
