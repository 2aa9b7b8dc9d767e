// What a prober reads and writes: a file that a mirror has, the rows of health, old events, its
// lock.
#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>

#include <set>

#include "db/mirror/health.h"
#include "db/probe/health_rows.h"
#include "db/probe/probe_files.h"
#include "t/db/database.h"

namespace mirror::db::test {
namespace {

constexpr Way kWay{false, Family::ipv4};

class ProbeTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ProbeTest);
  CPPUNIT_TEST(choosesAFileThatTheMirrorHas);
  CPPUNIT_TEST(choosesAnotherFileEachTime);
  CPPUNIT_TEST(leavesOutWhatIsPendingGoneOrStaged);
  CPPUNIT_TEST(searchesTheTableForAMirrorOfFewFiles);
  CPPUNIT_TEST(findsNothingInAnEmptyTable);
  CPPUNIT_TEST(writesRowsWithTheTimeOfTheirState);
  CPPUNIT_TEST(skipsAMirrorThatIsGone);
  CPPUNIT_TEST(countsTheChangesOfADay);
  CPPUNIT_TEST(forgetsEventsAfter400Days);
  CPPUNIT_TEST(oneProberHasTheLock);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override {
    one_ = add_mirror(owner_, "one");
    two_ = add_mirror(owner_, "two");
  }

  void choosesAFileThatTheMirrorHas() {
    Tree source = files("a", 20), part = files("b", 20);
    source.insert(source.end(), part.begin(), part.end());
    scan_source(owner_, source);
    scan_mirror(owner_, "one", source);
    scan_mirror(owner_, "two", part);
    ProbeFiles probe_files;
    std::set<char> of_one, of_two;
    for (int i = 0; i < 100; ++i) {
      probe_files.sample(c_);
      of_one.insert(probe_files.choose(c_, one_)->path[0]);
      of_two.insert(probe_files.choose(c_, two_)->path[0]);
    }
    CPPUNIT_ASSERT(of_one == (std::set<char>{'a', 'b'}) && of_two == std::set<char>{'b'});
  }

  void choosesAnotherFileEachTime() {
    scan_source(owner_, files("a", 50));
    scan_mirror(owner_, "one", files("a", 50));
    ProbeFiles probe_files;
    probe_files.sample(c_);
    std::set<std::string> paths;
    for (int i = 0; i < 100; ++i) {
      const ProbeFile file = probe_files.choose(c_, one_).value();
      CPPUNIT_ASSERT(file.size_bytes >= 0 && file.mtime_s > 0 && file.id > 0);
      paths.insert(file.path);
    }
    CPPUNIT_ASSERT(paths.size() > 20);
  }

  void leavesOutWhatIsPendingGoneOrStaged() {
    scan_source(owner_, files("a", 3));
    scan_mirror(owner_, "one", files("a", 3));
    owner_.script(
        "UPDATE file SET pending = true WHERE path = 'a0';"
        "UPDATE file SET gone_at = now() WHERE path = 'a1';"
        "UPDATE file SET staged = true, cohort_id = NULL WHERE path = 'a2'");
    ProbeFiles probe_files;
    probe_files.sample(c_);
    for (int i = 0; i < 3; ++i) CPPUNIT_ASSERT(!probe_files.choose(c_, one_));
  }

  // One file among so many that no sample has it.
  void searchesTheTableForAMirrorOfFewFiles() {
    scan_source(owner_, files("a", 3));
    scan_mirror(owner_, "two", files("a", 1));
    owner_.script(
        "INSERT INTO file (size, mtime, version_rev, rev, kind, path, cohort_id) OVERRIDING SYSTEM "
        "VALUE "
        "SELECT 1, 1, 1, 1, 'f', convert_to('x' || i, 'UTF8'), (SELECT id FROM cohort WHERE "
        "mirrors = '{}' LIMIT 1) FROM generate_series(1, 45000) i;"
        "UPDATE file SET id = DEFAULT WHERE path = 'a0'");
    ProbeFiles probe_files;  // without a sample
    int tries = 1;
    std::optional<ProbeFile> found;
    for (; !(found = probe_files.choose(c_, two_)); ++tries) CPPUNIT_ASSERT(tries < 5);
    CPPUNIT_ASSERT_EQUAL(3, tries);
    CPPUNIT_ASSERT_EQUAL(std::string("a0"), found->path);
    CPPUNIT_ASSERT_EQUAL(std::string("a0"), probe_files.choose(c_, two_)->path);
    owner_.script("UPDATE file SET pending = true WHERE path = 'a0'");
    CPPUNIT_ASSERT(!probe_files.choose(c_, two_));
    CPPUNIT_ASSERT(!probe_files.choose(c_, one_));
  }

  void findsNothingInAnEmptyTable() {
    ProbeFiles probe_files;
    probe_files.sample(c_);
    CPPUNIT_ASSERT(!probe_files.choose(c_, one_));
  }

  void writesRowsWithTheTimeOfTheirState() {
    write_health(c_, {{one_, kWay, "up", "", 12, 2'000'000'000}, {two_, kWay, "up", "", {}, {}}});
    owner_.script("UPDATE health SET since = '2020-01-01', checked = '2020-01-02'");
    write_health(c_, {{one_, kWay, "up", "", 13, {}}, {two_, kWay, "down", "reset", {}, {}}});
    CPPUNIT_ASSERT_EQUAL(
        std::string("1 up  13 - old now|2 down reset - - now now"),
        value(
            owner_,
            "SELECT string_agg(concat_ws(' ', mirror_id, state, reason, coalesce(latency_ms::text, "
            "'-'), coalesce(certificate_end::text, '-'), CASE WHEN since < '2021-01-01' THEN 'old' "
            "ELSE 'now' END, CASE WHEN checked < '2021-01-01' THEN 'old' ELSE 'now' END), '|' "
            "ORDER BY mirror_id) FROM health"));
    drop_health(c_, {{two_, kWay}});
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, read_health(c_).size());
  }

  void skipsAMirrorThatIsGone() {
    write_health(c_, {{77, kWay, "up", "", {}, {}}, {two_, kWay, "up", "", {}, {}}});
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, read_health(c_).size());
  }

  void countsTheChangesOfADay() {
    for (const char* state : {"up", "down", "up", "down"})
      write_health(c_, {{one_, kWay, state, "", {}, {}}});
    CPPUNIT_ASSERT_EQUAL(3, count_changes(c_).at({one_, "http/ipv4"}));
    owner_.script("UPDATE event SET at = now() - interval '25 hours'");
    CPPUNIT_ASSERT(count_changes(c_).empty());
  }

  void forgetsEventsAfter400Days() {
    for (const char* state : {"up", "down"}) write_health(c_, {{one_, kWay, state, "", {}, {}}});
    owner_.script("UPDATE event SET at = now() - interval '401 days' WHERE \"to\" = 'up'");
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, drop_old_events(c_));
    CPPUNIT_ASSERT_EQUAL(std::string("down"), value(owner_, "SELECT \"to\" FROM event"));
  }

  void oneProberHasTheLock() {
    Connection other = database_.connect("mirror_scanner");
    const auto held = ScanLock::try_take(c_, kProberLock);
    CPPUNIT_ASSERT(held && !ScanLock::try_take(other, kProberLock));
    CPPUNIT_ASSERT(ScanLock::try_take(other, 0));
    c_ = database_.connect("mirror_scanner");
    CPPUNIT_ASSERT(ScanLock::try_take(other, kProberLock));
  }

 private:
  TestDatabase database_;
  Connection owner_ = database_.connect();
  Connection c_ = database_.connect("mirror_scanner");
  MirrorId one_ = 0, two_ = 0;
};
CPPUNIT_TEST_SUITE_REGISTRATION(ProbeTest);

}  // namespace
}  // namespace mirror::db::test
