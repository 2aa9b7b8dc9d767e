// Which mirrors are stale by what they have: files in old versions, and stamps.
#include "db/merge/behind.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>

#include <memory>

#include "db/mirror/stale.h"
#include "db/mirror/stamps.h"
#include "t/db/fixture.h"

namespace mirror::db::test {
namespace {

constexpr double kHour = 3600;
const MergeOptions kForce{.force = true};

std::string text(const std::optional<Behind>& behind) {
  return behind ? fmt::format("{} {}/{}", behind->since_s, behind->old_files, behind->of_files)
                : "";
}

Tree changed(Tree tree, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < to; ++i) {
    tree[i].size += 10;
    tree[i].mtime += 1000;
  }
  return tree;
}

class BehindTest : public DatabaseTest {
  CPPUNIT_TEST_SUITE(BehindTest);
  CPPUNIT_TEST(aMirrorIsBehindSinceTheOldestChangeThatItLacksWithoutABreak);
  CPPUNIT_TEST(aMirrorWithOldFilesIsStaleUntilItHasTheNewOnes);
  CPPUNIT_TEST(aPartOfTheTreeOrLostFilesMakeNoMirrorStale);
  CPPUNIT_TEST(aFewOldFilesMakeNoMirrorStale);
  CPPUNIT_TEST(timeAloneMakesAMirrorStaleWhenNothingChangesAnyMore);
  CPPUNIT_TEST(aMirrorThatStoppedLooksNoBetterWhenAllFilesChangeAgain);
  CPPUNIT_TEST(whatNobodyLooksAtBecomesNoOlder);
  CPPUNIT_TEST(filesThatCannotBeToldApartSayNothing);
  CPPUNIT_TEST(immutableFilesSayNothing);
  CPPUNIT_TEST(eachMirrorMayHaveALimitOfItsOwn);
  CPPUNIT_TEST(aStampIsComparedWithTheSources);
  CPPUNIT_TEST(aSourceThatPausesMakesNoMirrorStale);
  CPPUNIT_TEST(aStampsOwnAgeCountsWhereTheSourceHasNone);
  CPPUNIT_TEST(nothingIsJudgedBeforeTheSourcesStampWasRead);
  CPPUNIT_TEST(aStampThatCannotBeUsedMakesNoMirrorStale);
  CPPUNIT_TEST(theSourcesStampsAreKeptTenMinutesApart);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override {
    DatabaseTest::setUp();
    for (const char* name : {"good", "late"}) add_mirror(owner(), name);
    scan_source(scanner(), old_);
    for (const char* name : {"good", "late"}) scan_mirror(scanner(), name, old_);
  }
  void tearDown() override {
    CPPUNIT_ASSERT_EQUAL(std::string(), inconsistency(owner()));
    DatabaseTest::tearDown();
  }

  void aMirrorIsBehindSinceTheOldestChangeThatItLacksWithoutABreak() {
    static const struct {
      std::vector<VersionStep> steps;
      const char* expected;
    } kCases[] = {
        {{}, ""},
        {{{9, 900, 5, 5}}, "900 5/5"},
        {{{9, 900, 4, 4}}, ""},
        {{{9, 900, 60, 5}}, ""},  // less than a tenth
        {{{9, 900, 50, 5}}, "900 5/50"},
        {{{9, 900, 10, 10}, {8, 800, 10, 10}, {7, 700, 200, 0}}, ""},
        {{{9, 900, 10, 10}, {8, 800, 10, 10}, {7, 700, 100, 0}}, "900 20/120"},
        {{{9, 900, 100, 100}, {8, 800, 10, 10}, {7, 700, 100, 0}}, "900 100/100"},
        {{{9, 900, 100, 100}, {8, 800, 100, 0}, {7, 700, 100, 100}}, "900 100/100"},
        {{{9, 900, 100, 0}, {8, 800, 100, 100}}, ""},
        {{{9, 900, 2, 2}, {8, 800, 2, 2}, {7, 700, 2, 2}, {6, 600, 2, 2}}, "800 8/8"},
    };
    for (const auto& one : kCases)
      CPPUNIT_ASSERT_EQUAL(std::string(one.expected), text(judge_versions(one.steps)));
  }

  void aMirrorWithOldFilesIsStaleUntilItHasTheNewOnes() {
    change_source(0, 8, 4 * 24);
    scan_mirror(scanner(), "good", now_);
    scan_mirror(scanner(), "late", old_, kForce);
    CPPUNIT_ASSERT_EQUAL(std::string("late stale"), judged());
    const std::string why =
        value(owner(), "SELECT standing_reason FROM mirror WHERE identifier = 'late'");
    CPPUNIT_ASSERT_MESSAGE(why, why.starts_with("it has 8 of the 8 files that changed last in an "
                                                "old version; the source has had newer ones "
                                                "since 2"));
    const std::string rev = value(owner(), "SELECT rev FROM mirror_rev");
    CPPUNIT_ASSERT_EQUAL(std::string(), judged());
    CPPUNIT_ASSERT_EQUAL(rev, value(owner(), "SELECT rev FROM mirror_rev"));
    scan_mirror(scanner(), "late", now_);
    CPPUNIT_ASSERT_EQUAL(std::string("late good"), judged());
    CPPUNIT_ASSERT_EQUAL(std::string("good"), standing("late"));
  }

  void aPartOfTheTreeOrLostFilesMakeNoMirrorStale() {
    change_source(0, 20, 4 * 24);
    scan_mirror(scanner(), "good", Tree(old_.begin() + 20, old_.end()), kForce);  // lost them
    add_mirror(owner(), "part");
    scan_mirror(scanner(), "part", Tree(old_.begin() + 30, old_.end()));
    Tree half_copied = now_;  // other sizes than any version
    for (std::size_t i = 0; i < 20; ++i) half_copied[i].size = 12345;
    scan_mirror(scanner(), "late", half_copied, kForce);
    CPPUNIT_ASSERT_EQUAL(std::string(), judged());
  }

  void aFewOldFilesMakeNoMirrorStale() {
    change_source(0, 4, 4 * 24);
    scan_mirror(scanner(), "late", old_, kForce);
    CPPUNIT_ASSERT_EQUAL(std::string(), judged());
    change_source(4, 60, 4 * 24);
    Tree stuck = now_;
    for (std::size_t i = 0; i < 5; ++i) stuck[i] = old_[i];
    scan_mirror(scanner(), "late", stuck, kForce);  // 5 of 60
    CPPUNIT_ASSERT_EQUAL(std::string(), judged());
    stuck[5] = old_[5];
    scan_mirror(scanner(), "late", stuck, kForce);
    CPPUNIT_ASSERT_EQUAL(std::string("late stale"), judged());
  }

  void timeAloneMakesAMirrorStaleWhenNothingChangesAnyMore() {
    change_source(0, 8, 1);
    scan_mirror(scanner(), "late", old_, kForce);
    CPPUNIT_ASSERT_EQUAL(std::string(), judged());
    owner().script("UPDATE behind SET since = since - interval '4 days'");
    scan_mirror(scanner(), "late", old_);
    CPPUNIT_ASSERT_EQUAL(std::string("late stale"), judged());
  }

  void aMirrorThatStoppedLooksNoBetterWhenAllFilesChangeAgain() {
    change_source(0, 80, 4 * 24);
    scan_mirror(scanner(), "late", old_, kForce);
    const std::string since = value(owner(), "SELECT since FROM behind");
    change_source(0, 80, 0);
    scan_mirror(scanner(), "late", old_, kForce);
    CPPUNIT_ASSERT_EQUAL(since, value(owner(), "SELECT since FROM behind"));
    CPPUNIT_ASSERT_EQUAL(std::string("late stale"), judged());
    Tree moved = old_;  // a program of its own writes files, and some got lost
    moved.pop_back();
    moved.push_back({".lastsync", 10, 1'500'000'000});
    scan_mirror(scanner(), "late", moved, kForce);
    CPPUNIT_ASSERT_EQUAL(since, value(owner(), "SELECT since FROM behind"));
    moved[0] = changed(old_, 0, 1)[0];  // it follows again, if late
    scan_mirror(scanner(), "late", moved, kForce);
    CPPUNIT_ASSERT_EQUAL(std::string("late good"), judged());
  }

  void whatNobodyLooksAtBecomesNoOlder() {
    change_source(0, 8, 1);
    scan_mirror(scanner(), "late", old_, kForce);
    source_stamp(2);
    stamped("good", 3);
    owner().script(
        "UPDATE behind SET since = since - interval '9 days'; UPDATE scan SET started = started - "
        "interval '9 days'; UPDATE mirror SET last_scan = last_scan - interval '9 days'; UPDATE "
        "stamp SET asked = asked - interval '9 days', at = at - interval '9 days'; UPDATE "
        "source_stamp SET at = at - interval '9 days'");
    CPPUNIT_ASSERT_EQUAL(std::string(), judged());
    owner().script("DELETE FROM source_stamp; DELETE FROM scan");
    CPPUNIT_ASSERT_EQUAL(std::string(), judged());
    scan_mirror(scanner(), "late", old_, kForce);
    CPPUNIT_ASSERT_EQUAL(std::string("late stale"), judged());
  }

  void filesThatCannotBeToldApartSayNothing() {
    Tree tree = old_;
    for (Entry& entry : tree) entry.mtime = 500'000'000;  // as a mirror synced without -t
    scan_mirror(scanner(), "late", tree, kForce);
    CPPUNIT_ASSERT_EQUAL(std::string("false"),
                         value(owner(), "SELECT keeps_times FROM mirror WHERE id = 2"));
    for (std::size_t i = 0; i < 30; ++i) now_[i].mtime += 1000;  // of the same size
    scan_source(scanner(), now_);
    age_revisions(4 * 24);
    scan_mirror(scanner(), "late", tree, kForce);
    CPPUNIT_ASSERT_EQUAL(std::string(), judged());
    change_source(0, 30, 4 * 24);
    scan_mirror(scanner(), "late", tree, kForce);
    CPPUNIT_ASSERT_EQUAL(std::string("late stale"), judged());
  }

  void immutableFilesSayNothing() {
    owner().script("INSERT INTO path_rule (position, kind, glob) VALUES (1, 'immutable', 'f*')");
    change_source(0, 20, 4 * 24);
    scan_mirror(scanner(), "late", old_, kForce);
    CPPUNIT_ASSERT_EQUAL(std::string(), judged());
  }

  void eachMirrorMayHaveALimitOfItsOwn() {
    change_source(0, 8, 4 * 24);
    scan_mirror(scanner(), "late", old_, kForce);
    static const std::pair<const char*, const char*> kLimits[] = {
        {"", "late stale"},  {"never", "late good"}, {"95.5", "late stale"},
        {"97", "late good"}, {"0.5", "late stale"},  {"0", "late good"}};
    for (const auto& [limit, expected] : kLimits) {
      owner().script(fmt::format("UPDATE mirror SET max_age = '{}' WHERE id = 2", limit));
      CPPUNIT_ASSERT_EQUAL_MESSAGE(limit, std::string(expected), judged());
    }
    owner().script("UPDATE mirror SET max_age = ''");
    CPPUNIT_ASSERT_EQUAL(std::string("late stale"), judged());
    CPPUNIT_ASSERT_EQUAL(std::string("late good"), judged(0));
    judged();
    owner().script("UPDATE mirror SET enabled = false");
    CPPUNIT_ASSERT_EQUAL(std::string("late good"), judged());
  }

  void aStampIsComparedWithTheSources() {
    for (const double hours : {200, 100, 80, 60, 1}) source_stamp(hours);
    stamped("late", 100);
    CPPUNIT_ASSERT_EQUAL(std::string("late stale"), judged());
    const std::string why = value(owner(), "SELECT standing_reason FROM mirror WHERE id = 2");
    CPPUNIT_ASSERT_MESSAGE(why, why.starts_with("its stamp trace says 2"));
    CPPUNIT_ASSERT_MESSAGE(why, why.find("; the source's has been newer since 2") != why.npos);
    stamped("late", 80);
    CPPUNIT_ASSERT_EQUAL(std::string("late good"), judged());
    stamped("late", 81);
    CPPUNIT_ASSERT_EQUAL(std::string("late stale"), judged());
    stamped("late", 0);  // a stamp of the mirror's own, in time
    CPPUNIT_ASSERT_EQUAL(std::string("late good"), judged());
  }

  void aSourceThatPausesMakesNoMirrorStale() {
    source_stamp(500);
    stamped("late", 500);
    stamped("good", 500);
    CPPUNIT_ASSERT_EQUAL(std::string(), judged());
    source_stamp(1);
    CPPUNIT_ASSERT_EQUAL(std::string(), judged());
    owner().script("UPDATE source_stamp SET at = at - interval '80 hours'");
    stamped("good", 81);
    CPPUNIT_ASSERT_EQUAL(std::string("late stale"), judged());
  }

  void aStampsOwnAgeCountsWhereTheSourceHasNone() {
    stamped("late", 71);
    CPPUNIT_ASSERT_EQUAL(std::string(), judged());
    stamped("late", 73);
    CPPUNIT_ASSERT_EQUAL(std::string("late stale"), judged());
    owner().script("UPDATE mirror SET stamp_path = 'another' WHERE id = 2");
    CPPUNIT_ASSERT_EQUAL(std::string("late good"), judged());
    stamped("late", 73, "another");
    CPPUNIT_ASSERT_EQUAL(std::string("late stale"), judged());
    forget_stamp(scanner(), 2);
    CPPUNIT_ASSERT_EQUAL(std::string("late good"), judged());
  }

  void nothingIsJudgedBeforeTheSourcesStampWasRead() {
    stamped("late", 100);
    const StaleLimits limits{0, 72 * kHour, "trace", true};
    CPPUNIT_ASSERT(judge_behind(scanner(), limits).empty());
    source_stamp(99);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, judge_behind(scanner(), limits).size());
  }

  void aStampThatCannotBeUsedMakesNoMirrorStale() {
    stamped("late", 73);
    judged();
    write_stamps(scanner(),
                 {{2, "trace", 0, std::nullopt, "HTTP status 404"}, {77, "x", 0, 1, ""}});
    CPPUNIT_ASSERT_EQUAL(std::string("late good"), judged());
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, read_stamps(scanner()).size());
    CPPUNIT_ASSERT_EQUAL(std::string("HTTP status 404"), find_stamp(scanner(), 2)->fault);
    CPPUNIT_ASSERT(!find_stamp(scanner(), 1));
  }

  void theSourcesStampsAreKeptTenMinutesApart() {
    const std::int64_t long_ago_s = hours_ago(300 * 24);
    for (int minute = 0; minute < 60; ++minute)
      note_source_stamp(scanner(), "trace", long_ago_s + 60 * minute);
    note_source_stamp(scanner(), "trace", long_ago_s - 3600);
    CPPUNIT_ASSERT_EQUAL(std::string("6"), value(owner(), "SELECT count(*) FROM source_stamp"));
    owner().script("UPDATE source_stamp SET at = at - interval '101 days'");
    source_stamp(1);
    CPPUNIT_ASSERT_EQUAL(std::string("1"), value(owner(), "SELECT count(*) FROM source_stamp"));
    note_source_stamp(scanner(), "other", hours_ago(1));
    CPPUNIT_ASSERT_EQUAL(std::string("other"), value(owner(), "SELECT path FROM source_stamp"));
  }

 private:
  // Files [from, to) of the source get another version, so many hours ago.
  void change_source(std::size_t from, std::size_t to, double hours_ago) {
    now_ = changed(now_, from, to);
    scan_source(scanner(), now_, kForce);
    age_revisions(hours_ago);
  }
  void age_revisions(double hours) {
    owner().script(
        fmt::format("UPDATE revision SET at = at - {} * interval '1 hour' WHERE rev = "
                    "(SELECT max(rev) FROM revision)",
                    hours));
  }
  std::int64_t hours_ago(double hours) {
    return std::stoll(value(owner(), "SELECT extract(epoch FROM now())::bigint")) -
           static_cast<std::int64_t>(hours * kHour);
  }
  void source_stamp(double hours) { note_source_stamp(scanner(), "trace", hours_ago(hours)); }
  void stamped(const std::string& mirror, double hours, const std::string& path = "trace") {
    const MirrorId id = find_mirror(scanner(), mirror)->mirror.id;
    write_stamps(scanner(), {{id, path, 0, hours_ago(hours), ""}});
  }

  std::string judged(double max_age_s = 72 * kHour) {
    std::string found;
    for (const StaleChange& change : judge_behind(scanner(), {0, max_age_s, "trace"}))
      found += (found.empty() ? "" : ", ") + change.mirror + (change.is_stale ? " stale" : " good");
    return found;
  }
  std::string standing(const std::string& mirror) {
    return value(owner(), "SELECT standing FROM mirror WHERE identifier = '" + mirror + "'");
  }

  static Tree timed_files() {
    Tree tree = files("f", 200);
    for (std::size_t i = 0; i < tree.size(); ++i)
      tree[i].mtime = 1'000'000'000 + 12'345 * static_cast<std::int64_t>(i);
    return tree;
  }

  const Tree old_ = timed_files();
  Tree now_ = old_;
};
CPPUNIT_TEST_SUITE_REGISTRATION(BehindTest);

}  // namespace
}  // namespace mirror::db::test
