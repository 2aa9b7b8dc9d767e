// Which mirror a worker gets when, and who is disabled since it cannot be listed.
#include "db/scan_queue.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>

#include "t/db/fixture.h"

namespace mirror::db::test {
namespace {

const ScanRhythm kRhythm{4, ""};
const EndedScan kGood{false, 0}, kFailed{true, -1};

class ScanQueueTest : public DatabaseTest {
  CPPUNIT_TEST_SUITE(ScanQueueTest);
  CPPUNIT_TEST(newMirrorsAreDueAtOnceAndEachIsTakenOnce);
  CPPUNIT_TEST(whatAWorkerThatDiedHadTakenIsDueAgain);
  CPPUNIT_TEST(aMirrorThatEndsItsWorkersIsTakenLessAndLessOften);
  CPPUNIT_TEST(aMirrorThatSomebodyScansIsNotTaken);
  CPPUNIT_TEST(theNextScanIsAnIntervalLaterGiveOrTakeATenth);
  CPPUNIT_TEST(failuresPutTheNextScanOff);
  CPPUNIT_TEST(foldersComeFirstAndAreListedOnce);
  CPPUNIT_TEST(aGoodScanCoversFoldersThatWereAskedForBefore);
  CPPUNIT_TEST(mirrorsThatKnowLessOfTheSourceComeFirst);
  CPPUNIT_TEST(nearMirrorsComeFirstAndOthersAfterHalfAnHour);
  CPPUNIT_TEST(scansBeginInTheirHoursAlone);
  CPPUNIT_TEST(aMirrorThatComesBackIsDueAtOnce);
  CPPUNIT_TEST(aMirrorThatFailsForLongIsDisabled);
  CPPUNIT_TEST(nobodyIsDisabledWhenMostFail);
  CPPUNIT_TEST(whoeverIsEnabledAgainGetsAsLongAsBefore);
  CPPUNIT_TEST(theQueueTellsWhatWaitsAndWhoWorks);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override {
    DatabaseTest::setUp();
    for (const char* name : {"a", "b", "c"}) add_mirror(owner(), name);
    owner().script("UPDATE mirror SET enabled = true");
    scan_source(scanner(), {{"f", 1, 1}});
  }

  void newMirrorsAreDueAtOnceAndEachIsTakenOnce() {
    owner().script("UPDATE mirror SET enabled = false WHERE identifier = 'b'");
    CPPUNIT_ASSERT_EQUAL(std::string("a c -"), taken_in_turn(3));
  }

  void whatAWorkerThatDiedHadTakenIsDueAgain() {
    take_all();
    CPPUNIT_ASSERT_EQUAL(std::string("-"), taken());
    owner().script("UPDATE scan_queue SET taken_until = taken_until - interval '2 minutes'");
    CPPUNIT_ASSERT_EQUAL(std::string("a"), taken());
  }

  void aMirrorThatEndsItsWorkersIsTakenLessAndLessOften() {
    take_all();
    for (const int minutes : {2, 4, 8, 16}) {
      CPPUNIT_ASSERT_EQUAL(std::to_string(minutes),
                           value(owner(),
                                 "SELECT round(extract(epoch FROM taken_until - now()) / 60) FROM "
                                 "scan_queue WHERE mirror_id = 1"));
      owner().script("UPDATE scan_queue SET taken_until = now() WHERE mirror_id = 1");
      CPPUNIT_ASSERT_EQUAL(std::string("a"), taken());
    }
    CPPUNIT_ASSERT_EQUAL(4, list_scan_queue(owner(), kRhythm)[0].broken_off);
    owner().script("UPDATE scan_queue SET taken_until = now() WHERE mirror_id = 1");
    CPPUNIT_ASSERT_EQUAL(5, list_scan_queue(owner(), kRhythm)[0].broken_off);
    fail("a");
    CPPUNIT_ASSERT_EQUAL(0, list_scan_queue(owner(), kRhythm)[2].broken_off);
  }

  void aMirrorThatSomebodyScansIsNotTaken() {
    {
      const auto lock = ScanLock::try_take(scanner(), 1);
      CPPUNIT_ASSERT_EQUAL(std::string("b c -"), taken_in_turn(3));
    }
    CPPUNIT_ASSERT_EQUAL(std::string("a"), taken());
  }

  void theNextScanIsAnIntervalLaterGiveOrTakeATenth() {
    take_all();
    owner().script("UPDATE mirror SET scan_interval = '0.5' WHERE id = 2");
    scan_mirror(scanner(), "a", {{"f", 1, 1}});
    for (int round = 0; round < 20; ++round) {
      for (const MirrorId id : {1, 2}) {
        plan_next_scan(scanner(), id, kRhythm, kGood);
        const double hours = due_in_s(id) / 3600 / (id == 1 ? 4 : 0.5);
        CPPUNIT_ASSERT_MESSAGE(fmt::format("{}", hours), hours > 0.89 && hours < 1.11);
      }
    }
  }

  void failuresPutTheNextScanOff() {
    take_all();
    for (const double expected_s : {600, 1200, 2400, 4800, 9600, 19200, 28800, 28800}) {
      fail("a");
      const double share = due_in_s(1) / expected_s;
      CPPUNIT_ASSERT_MESSAGE(fmt::format("{} of {}", share, expected_s),
                             share > 0.89 && share < 1.11);
    }
  }

  void foldersComeFirstAndAreListedOnce() {
    ask_for_scan(scanner(), 3, "pool/x");
    ask_for_scan(scanner(), 3, "pool/x");
    const auto job = take_scan_job(scanner(), kRhythm, "");
    CPPUNIT_ASSERT_EQUAL(std::string("c pool/x"), job->mirror + " " + job->subtree);
    ask_for_scan(scanner(), 3, "pool/x");  // again, while it is listed
    end_scan_job(scanner(), *job);
    owner().script("UPDATE scan_queue SET due = now() WHERE subtree <> ''");
    const auto again = take_scan_job(scanner(), kRhythm, "");
    CPPUNIT_ASSERT_EQUAL(std::string("pool/x"), again->subtree);
    end_scan_job(scanner(), *again);
    CPPUNIT_ASSERT_EQUAL(std::string("0"),
                         value(owner(), "SELECT count(*) FROM scan_queue WHERE subtree <> ''"));
  }

  void aGoodScanCoversFoldersThatWereAskedForBefore() {
    ask_for_scan(scanner(), 1, "old");
    scan_mirror(scanner(), "a", {{"f", 1, 1}});
    ask_for_scan(scanner(), 1, "new");
    plan_next_scan(scanner(), 1, kRhythm, kGood);
    CPPUNIT_ASSERT_EQUAL(std::string("new"), value(owner(),
                                                   "SELECT convert_from(subtree, 'UTF8') FROM "
                                                   "scan_queue WHERE subtree <> ''"));
  }

  void mirrorsThatKnowLessOfTheSourceComeFirst() {
    take_all();
    const auto knows = [this](MirrorId id, const char* name) {
      plan_next_scan(scanner(), id, kRhythm,
                     {false, scan_mirror(scanner(), name, {{"f", 1, 1}}).start_rev});
    };
    knows(3, "c");
    scan_source(scanner(), {{"f", 1, 1}, {"g", 1, 1}});
    knows(2, "b");
    fail("b");  // it knows what it knew
    owner().script(
        "UPDATE scan_queue SET taken_until = NULL, due = now() - interval '1 hour' * mirror_id");
    owner().script("UPDATE mirror SET enabled = false WHERE identifier = 'a'");
    owner().script("UPDATE scan_queue SET due = now() - interval '5 hours' WHERE mirror_id = 2");
    CPPUNIT_ASSERT_EQUAL(std::string("c b"), taken_in_turn(2));
  }

  void nearMirrorsComeFirstAndOthersAfterHalfAnHour() {
    owner().script("UPDATE mirror SET region = 'EU', country = 'DE' WHERE identifier = 'b'");
    owner().script("UPDATE mirror SET region = 'AS', country = 'SA' WHERE identifier = 'c'");
    CPPUNIT_ASSERT_EQUAL(std::string("-"), taken("SA"));  // South America, for all
    CPPUNIT_ASSERT_EQUAL(std::string("b -"), taken_in_turn(2, "EU"));
    owner().script(
        "UPDATE scan_queue SET due = now() - interval '31 minutes' - interval '1 minute' * "
        "mirror_id");
    CPPUNIT_ASSERT_EQUAL(std::string("c a"), taken_in_turn(2, "AS"));
  }

  void scansBeginInTheirHoursAlone() {
    const auto hours = [this](int from, int to) {
      return value(owner(),
                   fmt::format("SELECT mod(extract(hour FROM now() AT TIME ZONE 'UTC')::int "
                               "+ {0}, 24) || '-' || mod(extract(hour FROM now() AT TIME "
                               "ZONE 'UTC')::int + {1}, 24)",
                               from, to));
    };
    const std::string later = hours(2, 23), now = hours(23, 2);
    CPPUNIT_ASSERT(!take_scan_job(scanner(), {1, later}, ""));
    owner().script(fmt::format("UPDATE mirror SET scan_hours = '{}' WHERE id = 2", now));
    CPPUNIT_ASSERT_EQUAL(std::string("b"), take_scan_job(scanner(), {1, later}, "")->mirror);
    owner().script(fmt::format("UPDATE mirror SET scan_hours = '{}' WHERE id = 1", later));
    CPPUNIT_ASSERT_EQUAL(std::string("c"), take_scan_job(scanner(), {1, now}, "")->mirror);
    owner().script("UPDATE mirror SET scan_hours = '0-24' WHERE id = 1");
    CPPUNIT_ASSERT_EQUAL(std::string("a"), take_scan_job(scanner(), {1, later}, "")->mirror);
  }

  void aMirrorThatComesBackIsDueAtOnce() {
    take_all();
    for (const MirrorId id : {1, 2, 3}) plan_next_scan(scanner(), id, kRhythm, kGood);
    owner().script(
        "INSERT INTO doubt (mirror_id, kind, reason) VALUES (2, 'returning', 'was down')");
    CPPUNIT_ASSERT_EQUAL(std::string("b -"), taken_in_turn(2));
  }

  void aMirrorThatFailsForLongIsDisabled() {
    scan_mirror(scanner(), "b", {{"f", 1, 1}});
    scan_mirror(scanner(), "c", {{"f", 1, 1}});
    take_all();
    for (int scan = 0; scan < 4; ++scan) fail("a", "8 days");
    CPPUNIT_ASSERT_EQUAL(std::string(), disable_failing_mirror(scanner(), 1, 5, 7 * 86400));
    fail("a");
    CPPUNIT_ASSERT_EQUAL(std::string(), disable_failing_mirror(scanner(), 1, 5, 9 * 86400));
    const std::string why = disable_failing_mirror(scanner(), 1, 5, 7 * 86400);
    CPPUNIT_ASSERT_MESSAGE(why, why.starts_with("5 scans failed in a row, and there was no good "
                                                "one since "));
    CPPUNIT_ASSERT_EQUAL("f yes>no " + why,
                         value(owner(),
                               "SELECT substr(enabled::text, 1, 1) || ' ' || \"from\" || '>' || "
                               "\"to\" || ' ' || why FROM event JOIN mirror m ON m.id = mirror_id "
                               "WHERE what = 'enabled' ORDER BY event.id DESC LIMIT 1"));
    CPPUNIT_ASSERT_EQUAL(std::string(), disable_failing_mirror(scanner(), 1, 5, 7 * 86400));
    owner().script("UPDATE mirror SET enabled = false WHERE id = 2");  // by an admin
    CPPUNIT_ASSERT_EQUAL(std::string(), value(owner(),
                                              "SELECT why FROM event ORDER BY id DESC "
                                              "LIMIT 1"));
  }

  void nobodyIsDisabledWhenMostFail() {
    for (int scan = 0; scan < 6; ++scan) {
      fail("a", "8 days");
      fail("b", "8 days");
    }
    CPPUNIT_ASSERT_EQUAL(std::string(), disable_failing_mirror(scanner(), 1, 5, 7 * 86400));
    plan_next_scan(scanner(), 2, kRhythm, kGood);
    CPPUNIT_ASSERT(!disable_failing_mirror(scanner(), 1, 5, 7 * 86400).empty());
  }

  void whoeverIsEnabledAgainGetsAsLongAsBefore() {
    aMirrorThatFailsForLongIsDisabled();
    owner().script("UPDATE mirror SET enabled = true");
    for (int scan = 0; scan < 9; ++scan) fail("a");
    CPPUNIT_ASSERT_EQUAL(std::string(), disable_failing_mirror(scanner(), 1, 5, 7 * 86400));
    fail("a", "7 days 1 hour");
    CPPUNIT_ASSERT(!disable_failing_mirror(scanner(), 1, 5, 7 * 86400).empty());
  }

  void theQueueTellsWhatWaitsAndWhoWorks() {
    take_all();
    fail("b");
    add_mirror(owner(), "d");
    owner().script("UPDATE mirror SET enabled = true WHERE identifier = 'd'");
    const auto lock = ScanLock::try_take(scanner(), 1);
    const auto queue = list_scan_queue(owner(), kRhythm);
    CPPUNIT_ASSERT_EQUAL(std::string("a c d b"), queue[0].mirror + ' ' + queue[1].mirror + ' ' +
                                                     queue[2].mirror + ' ' + queue[3].mirror);
    CPPUNIT_ASSERT(queue[0].held && !queue[1].held && queue[0].due_in_s <= 0);
    CPPUNIT_ASSERT_EQUAL(0, queue[0].broken_off);
    CPPUNIT_ASSERT_EQUAL(0, queue[1].broken_off);  // just taken
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, queue[2].due_in_s);
    CPPUNIT_ASSERT_EQUAL(1, queue[3].failures);
    note_scan_worker(scanner(), "EU");
    note_scan_worker(scanner(), "EU");
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, list_scan_workers(owner()).size());
    CPPUNIT_ASSERT_EQUAL(std::string("EU"), list_scan_workers(owner())[0].near);
    forget_scan_worker(scanner());
    CPPUNIT_ASSERT(list_scan_workers(owner()).empty());
  }

 private:
  std::string taken(std::string_view near = "") {
    const auto job = take_scan_job(scanner(), kRhythm, near);
    return job ? job->mirror : "-";
  }
  std::string taken_in_turn(int times, std::string_view near = "") {
    std::string names = taken(near);
    for (int more = 1; more < times; ++more) names += " " + taken(near);
    return names;
  }
  void take_all() {
    while (taken() != "-") {
    }
  }
  double due_in_s(MirrorId id) {
    return std::stod(value(owner(), fmt::format("SELECT extract(epoch FROM due - now()) FROM "
                                                "scan_queue WHERE mirror_id = {}",
                                                id)));
  }
  // A full scan failed; "ago": the first one of a row did so then.
  void fail(const std::string& mirror, const std::string& ago = "") {
    const std::string id =
        value(owner(), fmt::format("SELECT id FROM mirror WHERE identifier = '{}'", mirror));
    plan_next_scan(scanner(), static_cast<MirrorId>(std::stoi(id)), kRhythm, kFailed);
    if (ago.empty()) return;
    owner().script(fmt::format(
        "UPDATE scan_queue SET failing_since = now() - interval '{}' WHERE mirror_id = {}", ago,
        id));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ScanQueueTest);

}  // namespace
}  // namespace mirror::db::test
