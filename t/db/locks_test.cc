// Tests that locks need rights, and that who holds one is named: lib/db/scan_lock.cc, merge_lock,
// lock_timeout and the settings of every session (lib/db/session.cc).
#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "db/hash/known_hashes.h"
#include "db/locks.h"
#include "db/session.h"
#include "t/db/database.h"

namespace mirror::db::test {
namespace {

using namespace std::chrono_literals;

class LocksTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(LocksTest);
  CPPUNIT_TEST(oneScanAtATime);
  CPPUNIT_TEST(aDeadScanHoldsNothing);
  CPPUNIT_TEST(readersHoldNoLockOfScans);
  CPPUNIT_TEST(breaksALock);
  CPPUNIT_TEST(namesWhoHoldsALock);
  CPPUNIT_TEST(theServerNoticesASilentClient);
  CPPUNIT_TEST(aWaitEndsAfterTheStop);
  CPPUNIT_TEST_SUITE_END();

 public:
  void oneScanAtATime() {
    TestDatabase database;
    Connection one = database.connect("mirror_scanner"), two = database.connect("mirror_admin");
    std::optional<ScanLock> lock = ScanLock::try_take(one, 3);
    CPPUNIT_ASSERT(lock && !ScanLock::try_take(two, 3) && !ScanLock::try_take(one, 3));
    CPPUNIT_ASSERT(ScanLock::try_take(two, 0));
    const auto holder = scan_lock_holder(two, 3);
    CPPUNIT_ASSERT(holder && holder->process == getpid() && holder->program == "test");
    const std::string text = holder->text();
    CPPUNIT_ASSERT_MESSAGE(text, text.starts_with("test on host ") && text.ends_with(" UTC"));
    lock.reset();
    CPPUNIT_ASSERT(!scan_lock_holder(two, 3) && ScanLock::try_take(two, 3));
  }

  void aDeadScanHoldsNothing() {
    TestDatabase database;
    Connection two = database.connect("mirror_scanner");
    {
      Connection one = database.connect("mirror_scanner");
      std::optional<ScanLock> lock = ScanLock::try_take(one, 3);
      one.close(5s);
    }
    CPPUNIT_ASSERT(ScanLock::try_take(two, 3));
  }

  void readersHoldNoLockOfScans() {
    TestDatabase database;
    Connection setup = database.connect("mirror_scanner");
    scan_source(setup, files("f", 5));
    Connection reader = database.connect("mirror_httpd");
    // All that it may take: any advisory lock, of the kinds that were used before too.
    reader.script(
        "SELECT pg_advisory_lock(1835627119, n) FROM generate_series(-2, 20) n;"
        "SELECT pg_advisory_lock(id) FROM file");
    for (const char* sql :
         {"LOCK TABLE merge_lock IN ROW SHARE MODE", "SELECT FROM scan_lock FOR UPDATE",
          "INSERT INTO scan_lock (mirror_id) "
          "VALUES (1)"}) {
      CPPUNIT_ASSERT_THROW_MESSAGE(sql, reader.script(sql), Error);
    }
    Connection scanner = open_session("dbname=" + database.name() + " user=mirror_scanner",
                                      tool_session("test", 2s));
    const std::optional<ScanLock> lock = ScanLock::try_take(scanner, 0);
    CPPUNIT_ASSERT(lock);
    CPPUNIT_ASSERT(scan_source(scanner, files("f", 9), {.force = true}).outcome ==
                   MergeOutcome::merged);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, claim_files(scanner, {1, 2}).size());
  }

  void breaksALock() {
    TestDatabase database;
    Connection one = database.connect("mirror_scanner"), two = database.connect("mirror_scanner");
    CPPUNIT_ASSERT(!break_scan_lock(two, 3, 5s));
    std::optional<ScanLock> lock = ScanLock::try_take(one, 3);
    const auto holder = break_scan_lock(two, 3, 20s);
    CPPUNIT_ASSERT(holder && holder->process == getpid());
    CPPUNIT_ASSERT(ScanLock::try_take(two, 3));
    CPPUNIT_ASSERT_THROW(one.script("SELECT 1"), ConnectionError);
  }

  void namesWhoHoldsALock() {
    TestDatabase database;
    Connection admin = database.connect();
    const MirrorId id = add_mirror(admin, "one");
    admin.script("BEGIN; UPDATE mirror SET weight = 5");
    Connection tool = open_session("dbname=" + database.name(), tool_session("mb", 1s));
    std::string said;
    try {
      update_mirror(tool, id, {{"enabled", "no"}});
    } catch (const Error& error) {
      CPPUNIT_ASSERT_EQUAL(std::string("55P03"), error.sqlstate());
      said = error.what();
    }
    const std::string process = fmt::format("server process {} (user ", admin.claimed_backend());
    for (const std::string& part :
         {process, std::string("program test"), std::string("in a transaction since "),
          std::string("which is idle"), std::string("end that session, or try again later")})
      CPPUNIT_ASSERT_MESSAGE(said, said.find(part) != said.npos);
    admin.script("ROLLBACK");
    update_mirror(tool, id, {{"enabled", "no"}});
  }

  void theServerNoticesASilentClient() {
    TestDatabase database;
    Connection c = database.connect();
    const std::pair<const char*, std::string> settings[] = {
        {"search_path", "mirror, pg_temp"}, {"jit", "off"}, {"lock_timeout", "0"}};
    for (const auto& [name, expected] : settings)
      CPPUNIT_ASSERT_EQUAL(expected, value(c, fmt::format("SELECT current_setting('{}')", name)));
    if (!std::getenv("PGHOST") || *std::getenv("PGHOST") == '/') return;  // not over TCP
    CPPUNIT_ASSERT_EQUAL(std::string("2min"),
                         value(c, "SELECT current_setting('tcp_user_timeout')"));
  }

  void aWaitEndsAfterTheStop() {
    TestDatabase database;
    std::atomic<bool> stop{false};
    SessionOptions options = tool_session("test", 60s, &stop);
    options.stop_grace = 300ms;
    Connection c = open_session("dbname=" + database.name(), options);
    const auto start = Clock::now();
    std::thread signal([&] {
      std::this_thread::sleep_for(200ms);
      stop = true;
    });
    CPPUNIT_ASSERT_THROW(c.script("SELECT pg_sleep(30)"), Timeout);
    signal.join();
    CPPUNIT_ASSERT(Clock::now() - start < 10s);
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(LocksTest);

}  // namespace
}  // namespace mirror::db::test
