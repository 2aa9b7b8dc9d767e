// What a prober reads and writes: a file that a mirror has, the rows of health, old events, its
// lock.
#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>

#include <chrono>
#include <set>
#include <thread>

#include "db/mirror/health.h"
#include "db/probe/demand.h"
#include "db/probe/folder_files.h"
#include "db/probe/health_rows.h"
#include "db/probe/probe_files.h"
#include "db/redirectors.h"
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
  CPPUNIT_TEST(asksASmallMirrorForAllOfItsFiles);
  CPPUNIT_TEST(choosesWhatClientsAskForMost);
  CPPUNIT_TEST(knowsAllTimesOfAVersion);
  CPPUNIT_TEST(findsNothingInAnEmptyTable);
  CPPUNIT_TEST(listsTheFilesOfAFolderPageByPage);
  CPPUNIT_TEST(writesRowsWithTheTimeOfTheirState);
  CPPUNIT_TEST(skipsAMirrorThatIsGone);
  CPPUNIT_TEST(knowsTheChangesOfADay);
  CPPUNIT_TEST(clampsTheEndOfACertificate);
  CPPUNIT_TEST(forgetsWhatAProberLeft);
  CPPUNIT_TEST(forgetsEventsAfter400Days);
  CPPUNIT_TEST(oneProberHasTheLock);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override {
    owner_.emplace(database_.connect());
    scanner_.emplace(database_.connect("mirror_scanner"));
    one_ = add_mirror(owner(), "one");
    two_ = add_mirror(owner(), "two");
  }

  void tearDown() override {
    owner_.reset();
    scanner_.reset();
  }

  void choosesWhatClientsAskForMost() {
    scan_source(owner(), files("a", 300));
    scan_mirror(owner(), "one", files("a", 300));
    scan_mirror(owner(), "two", files("a", 8));
    owner().script("UPDATE file SET gone_at = now() WHERE path = 'a9'");
    Connection httpd = database_.connect("mirror_httpd");
    const auto told = [&](const char* directory, const std::vector<AskedFile>& asked) {
      note_redirector(httpd, directory, 1, asked);
    };
    told("/c", {{"a7", 30}, {"a8", 10}, {"a9", 99}, {"no such file", 99}});
    told("/c", {{"a1", 1000}});  // within the same minute
    told("/d", {{"a8", 50}});
    owner().script(
        "SET ROLE mirror_httpd; SELECT note_redirector('h', '/x', 1, ARRAY['a1', 'a2']::bytea[], "
        "ARRAY[5e-324, 'NaN'::float8]); RESET ROLE; DELETE FROM demand WHERE requests = 1e9");
    const std::map<std::int64_t, double> demand = read_demand(c(), 10);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, demand.size());
    CPPUNIT_ASSERT_DOUBLES_EQUAL(60, demand.at(id_of("a8")), 0.1);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, read_demand(c(), 1).count(id_of("a8")));
    owner().script("UPDATE demand SET at = at - interval '6 hours' WHERE requests > 50");
    CPPUNIT_ASSERT_DOUBLES_EQUAL(30, read_demand(c(), 10).at(id_of("a8")), 0.1);
    ProbeFiles probe_files;
    probe_files.sample(c());
    std::set<std::string> chosen;
    for (int i = 0; i < 200; ++i) chosen.insert(probe_files.choose_asked(one_)->path);
    CPPUNIT_ASSERT((std::set<std::string>{"a7", "a8"}) == chosen);
    CPPUNIT_ASSERT_EQUAL(std::string("a7"), probe_files.choose_asked(two_)->path);
    owner().script("DELETE FROM demand");
    probe_files.sample(c());
    CPPUNIT_ASSERT(!probe_files.choose_asked(one_));
  }

  void choosesAFileThatTheMirrorHas() {
    Tree source = files("a", 20), part = files("b", 20);
    source.insert(source.end(), part.begin(), part.end());
    scan_source(owner(), source);
    scan_mirror(owner(), "one", source);
    scan_mirror(owner(), "two", part);
    ProbeFiles probe_files;
    std::set<char> of_one, of_two;
    for (int i = 0; i < 100; ++i) {
      probe_files.sample(c());
      of_one.insert(probe_files.choose(c(), one_, false)->path[0]);
      of_two.insert(probe_files.choose(c(), two_, false)->path[0]);
    }
    CPPUNIT_ASSERT(of_one == (std::set<char>{'a', 'b'}) && of_two == std::set<char>{'b'});
  }

  void choosesAnotherFileEachTime() {
    scan_source(owner(), files("a", 50));
    scan_mirror(owner(), "one", files("a", 50));
    ProbeFiles probe_files;
    probe_files.sample(c());
    std::set<std::string> paths;
    for (int i = 0; i < 100; ++i) {
      const ProbeFile file = probe_files.choose(c(), one_, false).value();
      CPPUNIT_ASSERT(file.size_bytes >= 0 && file.mtimes_s.at(0) > 0 && file.id > 0);
      paths.insert(file.path);
    }
    CPPUNIT_ASSERT(paths.size() > 20);
  }

  void leavesOutWhatIsPendingGoneOrStaged() {
    scan_source(owner(), files("a", 3));
    scan_mirror(owner(), "one", files("a", 3));
    owner().script(
        "UPDATE file SET pending = true WHERE path = 'a0';"
        "UPDATE file SET gone_at = now() WHERE path = 'a1';"
        "UPDATE file SET staged = true, cohort_id = NULL WHERE path = 'a2'");
    ProbeFiles probe_files;
    probe_files.sample(c());
    for (int i = 0; i < 3; ++i) CPPUNIT_ASSERT(!probe_files.choose(c(), one_, false));
  }

  // One file among so many that no sample has it.
  void searchesTheTableForAMirrorOfFewFiles() {
    scan_source(owner(), files("a", 3));
    scan_mirror(owner(), "two", files("a", 1));
    owner().script(
        "INSERT INTO file (size, mtime, version_rev, rev, kind, path, cohort_id) OVERRIDING SYSTEM "
        "VALUE "
        "SELECT 1, 1, 1, 1, 'f', convert_to('x' || i, 'UTF8'), (SELECT id FROM cohort WHERE "
        "mirrors = '{}' LIMIT 1) FROM generate_series(1, 45000) i;"
        "UPDATE file SET id = DEFAULT WHERE path = 'a0'");
    ProbeFiles probe_files;  // without a sample
    int tries = 1;
    std::optional<ProbeFile> found;
    for (; !(found = probe_files.choose(c(), two_, false)); ++tries) CPPUNIT_ASSERT(tries < 6);
    CPPUNIT_ASSERT_EQUAL(std::string("a0"), found->path);
    CPPUNIT_ASSERT_EQUAL(std::string("a0"), probe_files.choose(c(), two_, false)->path);
    CPPUNIT_ASSERT_EQUAL(std::string("a0"), ProbeFiles().choose(c(), two_, true)->path);
    owner().script("UPDATE file SET pending = true WHERE path = 'a0'");
    CPPUNIT_ASSERT(!probe_files.choose(c(), two_, true));
    CPPUNIT_ASSERT(!probe_files.choose(c(), one_, true));
  }

  // Where no sample has any of them: all of its files in turn.
  void asksASmallMirrorForAllOfItsFiles() {
    scan_source(owner(), files("a", 300));
    scan_mirror(owner(), "two", files("a", 90));
    ProbeFiles probe_files;
    std::set<std::string> paths;
    for (int i = 0; i < 400; ++i) paths.insert(probe_files.choose(c(), two_, false)->path);
    CPPUNIT_ASSERT_EQUAL(std::size_t{90}, paths.size());
  }

  void knowsAllTimesOfAVersion() {
    scan_source(owner(), files("a", 1));
    scan_mirror(owner(), "one", files("a", 1));
    owner().script(
        "INSERT INTO hash (file_id, version_rev, sha256, mtimes) SELECT id, version_rev, "
        "sha256('x'), ARRAY[5, 1000, 7] FROM file");
    ProbeFiles probe_files;
    probe_files.sample(c());
    const ProbeFile file = probe_files.choose(c(), one_, false).value();
    CPPUNIT_ASSERT((file.mtimes_s == std::vector<std::int64_t>{1000, 5, 7}));
    CPPUNIT_ASSERT(ProbeFiles::again(c(), one_, file) && !ProbeFiles::again(c(), two_, file));
    owner().script("UPDATE file SET version_rev = version_rev + 1");
    CPPUNIT_ASSERT(!ProbeFiles::again(c(), one_, file));
    probe_files.sample(c());
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, probe_files.choose(c(), one_, false)->mtimes_s.size());
  }

  void findsNothingInAnEmptyTable() {
    ProbeFiles probe_files;
    probe_files.sample(c());
    CPPUNIT_ASSERT(!probe_files.choose(c(), one_, false));
  }

  void listsTheFilesOfAFolderPageByPage() {
    Tree source = files("a/b/f", 25), other = files("a/b.c/f", 5), above = files("a/f", 5);
    source.insert(source.end(), other.begin(), other.end());
    source.insert(source.end(), above.begin(), above.end());
    scan_source(owner(), source);
    Tree part(source.begin() + 3, source.end());
    scan_mirror(owner(), "one", part);
    for (const std::int32_t limit : {1, 7, 22, 100}) {
      std::set<std::string> found;
      FolderFiles page;
      page.next = "";
      while (page.next) {
        page = list_folder_files(c(), one_, "a/b", *page.next, limit);
        CPPUNIT_ASSERT(page.files.size() <= static_cast<std::size_t>(limit));
        for (const ProbeFile& file : page.files) CPPUNIT_ASSERT(found.insert(file.path).second);
      }
      CPPUNIT_ASSERT_EQUAL(std::size_t{22}, found.size());
      CPPUNIT_ASSERT(found.contains("a/b/f3") && !found.contains("a/b/f2"));
    }
    CPPUNIT_ASSERT_EQUAL(std::size_t{32}, list_folder_files(c(), one_, "a", "", 100).files.size());
    CPPUNIT_ASSERT(list_folder_files(c(), two_, "a", "", 100).files.empty());
  }

  void writesRowsWithTheTimeOfTheirState() {
    write_health(c(), {{one_, kWay, "up", "", 12, 2'000'000'000}, {two_, kWay, "up", "", {}, {}}});
    owner().script("UPDATE health SET since = '2020-01-01', checked = '2020-01-02'");
    write_health(c(), {{one_, kWay, "up", "", 13, {}}, {two_, kWay, "down", "reset", {}, {}}});
    CPPUNIT_ASSERT_EQUAL(
        std::string("1 up  13 - old now|2 down reset - - now now"),
        value(
            owner(),
            "SELECT string_agg(concat_ws(' ', mirror_id, state, reason, coalesce(latency_ms::text, "
            "'-'), coalesce(certificate_end::text, '-'), CASE WHEN since < '2021-01-01' THEN 'old' "
            "ELSE 'now' END, CASE WHEN checked < '2021-01-01' THEN 'old' ELSE 'now' END), '|' "
            "ORDER BY mirror_id) FROM health"));
    drop_health(c(), {{two_, kWay}});
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, read_health(c()).size());
  }

  void skipsAMirrorThatIsGone() {
    write_health(c(), {{77, kWay, "up", "", {}, {}}, {two_, kWay, "up", "", {}, {}}});
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, read_health(c()).size());
  }

  void knowsTheChangesOfADay() {
    for (const char* state : {"up", "down", "up", "down"})
      write_health(c(), {{one_, kWay, state, "", {}, {}}});
    owner().script(
        "UPDATE event SET at = at - interval '1 hour' WHERE id = (SELECT max(id) - 2 FROM event)");
    const auto changes = recent_changes(c()).at({one_, "http/ipv4"});
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, changes.size());
    CPPUNIT_ASSERT(changes[0] >= 3600 && changes[0] < 3700 && changes[2] < 100);
    owner().script("UPDATE event SET at = now() - interval '25 hours'");
    CPPUNIT_ASSERT(recent_changes(c()).empty());
  }

  void clampsTheEndOfACertificate() {
    write_health(c(), {{one_, kWay, "up", "", {}, 1'000'000'000'000'000},
                       {two_, kWay, "up", "", {}, -9'000'000'000}});
    CPPUNIT_ASSERT_EQUAL(std::string("1970-01-01 00:00:00+00 9999-12-31 23:59:59+00"),
                         value(owner(),
                               "SELECT min(certificate_end) || ' ' || max(certificate_end) FROM "
                               "health"));
  }

  void forgetsWhatAProberLeft() {
    write_health(c(), {{one_, kWay, "down", "reset", {}, {}}, {two_, kWay, "down", "x", {}, {}}});
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, forget_health(c(), one_));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, forget_health(c(), one_));
    CPPUNIT_ASSERT_EQUAL(std::string("{} unknown"),
                         value(owner(),
                               "SELECT down::text || ' ' || (SELECT \"to\" FROM event ORDER BY id "
                               "DESC LIMIT 1) FROM mirror WHERE identifier = 'one'"));
    CPPUNIT_ASSERT_EQUAL(std::string("{http/ipv4}"),
                         value(owner(), "SELECT down FROM mirror WHERE identifier = 'two'"));
  }

  void forgetsEventsAfter400Days() {
    for (const char* state : {"up", "down"}) write_health(c(), {{one_, kWay, state, "", {}, {}}});
    owner().script("UPDATE event SET at = now() - interval '401 days' WHERE \"to\" = 'up'");
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, prune_events(c()));
    CPPUNIT_ASSERT_EQUAL(std::string("down"), value(owner(), "SELECT \"to\" FROM event"));
  }

  void oneProberHasTheLock() {
    Connection other = database_.connect("mirror_scanner");
    const auto held = ScanLock::try_take(c(), kProberLock);
    CPPUNIT_ASSERT(held && !ScanLock::try_take(other, kProberLock));
    CPPUNIT_ASSERT(ScanLock::try_take(other, 0));
    scanner_.emplace(database_.connect("mirror_scanner"));
    // The server ends the old session when it notices.
    bool taken = false;
    for (int i = 0; i < 200 && !taken; ++i) {
      taken = ScanLock::try_take(other, kProberLock).has_value();
      if (!taken) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    CPPUNIT_ASSERT(taken);
  }

 private:
  std::int64_t id_of(const std::string& path) {
    return std::stoll(
        value(owner(), "SELECT id FROM file WHERE path = convert_to('" + path + "', 'UTF8')"));
  }
  Connection& owner() { return *owner_; }
  Connection& c() { return *scanner_; }

  TestDatabase database_;
  // Opened when a test runs: CppUnit makes all tests before the first one.
  std::optional<Connection> owner_, scanner_;
  MirrorId one_ = 0, two_ = 0;
};
CPPUNIT_TEST_SUITE_REGISTRATION(ProbeTest);

}  // namespace
}  // namespace mirror::db::test
