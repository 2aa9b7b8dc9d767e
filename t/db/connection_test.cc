// Tests lib/pg/connection.cc and values.cc: types both ways, errors, deadlines against a frozen
// server, a killed program.
#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "t/db/database.h"

namespace mirror::db::test {
namespace {

using namespace std::chrono_literals;

class ConnectionTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ConnectionTest);
  CPPUNIT_TEST(valuesGoThereAndBack);
  CPPUNIT_TEST(aWrongTypeIsAnError);
  CPPUNIT_TEST(errorsCarryTheirSqlstate);
  CPPUNIT_TEST(aRefusedConnectionCarriesItsSqlstate);
  CPPUNIT_TEST(aClosedConnectionIsGoneAtTheServer);
  CPPUNIT_TEST(everyCallEndsByItsDeadline);
  CPPUNIT_TEST(aFrozenServerHoldsNobody);
  CPPUNIT_TEST(aSilentHostHoldsNoConnect);
  CPPUNIT_TEST(noServerIsAnErrorAtOnce);
  CPPUNIT_TEST(aKilledScanLeavesTheTablesBeforeOrAfter);
  CPPUNIT_TEST_SUITE_END();

 public:
  void valuesGoThereAndBack() {
    Connection c = database_.connect();
    const std::string raw("\0\xff'\\x", 5);
    const Result r = c.run("SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10",
                           Params()
                               .boolean(true)
                               .int2(-2)
                               .int4(-3)
                               .int8(INT64_MIN)
                               .float8(-0.5)
                               .bytes(raw)
                               .text("ä")
                               .int2_array({1, -1})
                               .text_array({"a,b", "{}\"", ""})
                               .null(),
                           "all_types");
    CPPUNIT_ASSERT(r.boolean(0, 0) && r.int2(0, 1) == -2 && r.int4(0, 2) == -3 &&
                   r.int8(0, 3) == INT64_MIN);
    CPPUNIT_ASSERT(r.float8(0, 4) == -0.5 && r.bytes(0, 5) == raw && r.bytes(0, 6) == "ä" &&
                   r.is_null(0, 9));
    CPPUNIT_ASSERT((r.int2_array(0, 7) == std::vector<std::int16_t>{1, -1}));
    CPPUNIT_ASSERT((r.text_array(0, 8) == std::vector<std::string>{"a,b", "{}\"", ""}));
    CPPUNIT_ASSERT(c.run("SELECT $1", Params().int2_array({})).int2_array(0, 0).empty());
  }

  void aWrongTypeIsAnError() {
    Connection c = database_.connect();
    const Result r = c.run("SELECT 1::int, NULL::bigint, ARRAY[NULL::smallint]");
    CPPUNIT_ASSERT_THROW(r.int8(0, 0), Error);
    CPPUNIT_ASSERT_THROW(r.bytes(0, 0), Error);
    CPPUNIT_ASSERT_THROW(r.int8(0, 1), Error);
    CPPUNIT_ASSERT_THROW(r.int4(1, 0), Error);
    CPPUNIT_ASSERT_THROW(r.int2_array(0, 2), Error);
  }

  void errorsCarryTheirSqlstate() {
    Connection c = database_.connect();
    try {
      c.run("SELECT 1 / 0");
      CPPUNIT_FAIL("no error");
    } catch (const Error& error) {
      CPPUNIT_ASSERT_EQUAL(std::string("22012"), error.sqlstate());
    }
    CPPUNIT_ASSERT(!c.broken());
    CPPUNIT_ASSERT_EQUAL(1, c.run("SELECT 1").int4(0, 0));
  }

  void aRefusedConnectionCarriesItsSqlstate() {
    try {
      Connection("dbname=no_such_database_here", "test", 5s);
      CPPUNIT_FAIL("no error");
    } catch (const ConnectionError& error) {
      const std::string said = error.what();
      CPPUNIT_ASSERT_EQUAL(std::string("3D000"), error.sqlstate());
      CPPUNIT_ASSERT_MESSAGE(said, said.find("does not exist") != said.npos &&
                                       said.find("3D000") == said.npos &&
                                       said.find("LOCATION") == said.npos);
    }
  }

  void aClosedConnectionIsGoneAtTheServer() {
    Connection witness = database_.connect();
    for (int round = 0; round < 20; ++round) {
      Connection c = database_.connect();
      c.close(5s);
      CPPUNIT_ASSERT(c.broken());
      CPPUNIT_ASSERT_EQUAL(
          std::string("1"),
          value(witness,
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"));
    }
  }

  void everyCallEndsByItsDeadline() {
    Connection c = database_.connect();
    in_time([&] {
      c.set_deadline(Clock::now() + 100ms);
      CPPUNIT_ASSERT_THROW(c.run("SELECT pg_sleep(30)"), Timeout);
    });
    CPPUNIT_ASSERT(c.broken());
    CPPUNIT_ASSERT_THROW(c.run("SELECT 1"), ConnectionError);
  }

  // Also with far more to send than the socket takes, and when the connection is closed afterwards.
  void aFrozenServerHoldsNobody() {
    const std::string large(16 << 20, 'x');
    for (const bool copying : {false, true}) {
      auto c = std::make_unique<Connection>(database_.connect());
      c->script("CREATE TEMP TABLE t (b bytea)");
      const int backend = c->run("SELECT pg_backend_pid()").int4(0, 0);
      ::kill(backend, SIGSTOP);
      in_time([&] {
        c->set_deadline(Clock::now() + 200ms);
        if (copying) {
          CPPUNIT_ASSERT_THROW(
              (c->copy_begin("COPY t FROM STDIN (FORMAT binary)"), c->copy_data(large)), Timeout);
        } else {
          CPPUNIT_ASSERT_THROW(c->run("SELECT length($1)", Params().bytes(large)), Timeout);
        }
        c.reset();
      });
      ::kill(backend, SIGCONT);
    }
  }

  void aSilentHostHoldsNoConnect() {
    const std::filesystem::path dir =
        std::filesystem::temp_directory_path() / fmt::format("silent-{}", getpid());
    std::filesystem::create_directory(dir);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    fmt::format_to(address.sun_path, "{}/.s.PGSQL.5432", dir.string());
    const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
    const bool bound =
        ::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
        ::listen(listener, 5) == 0;
    in_time([&] {
      CPPUNIT_ASSERT_THROW(
          Connection("host=" + dir.string() + " port=5432 dbname=x user=y", "test", 200ms),
          Timeout);
    });
    ::close(listener);
    std::filesystem::remove_all(dir);
    CPPUNIT_ASSERT(bound);
  }

  void noServerIsAnErrorAtOnce() {
    in_time([] {
      CPPUNIT_ASSERT_THROW(Connection("host=/nonexistent dbname=x", "test", 5s), ConnectionError);
    });
    in_time([] {
      CPPUNIT_ASSERT_THROW(Connection("host=/nonexistent dbname=x", "test"), ConnectionError);
    });
  }

  // Killed at any moment of a scan, the tables are as before or as after it, and the next scan says
  // so of the run.
  void aKilledScanLeavesTheTablesBeforeOrAfter() {
    Connection c = database_.connect();
    add_mirror(c, "one");
    const Tree tree = files("f", 3000);
    const std::string count =
        "SELECT coalesce(sum(n_files), 0) FROM cohort WHERE cardinality(mirrors) = 1";
    scan_source(c, tree);
    for (int round = 0; round < 12; ++round) {
      scan_mirror(c, "one", {}, {.force = true});
      const pid_t child = ::fork();
      if (child == 0) {
        try {
          Connection own(fmt::format("dbname={}", database_.name()), "test");
          scan_mirror(own, "one", Tree(tree.begin(), tree.begin() + 1000));
        } catch (const std::exception&) {
        }
        std::_Exit(0);
      }
      ::usleep(round * 4000);
      ::kill(child, SIGKILL);
      ::waitpid(child, nullptr, 0);
      // The server may still be finishing what the killed client began; its locks are gone when it
      // has.
      while (value(c, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()") !=
             "1")
        ::usleep(2000);
      const std::string files_now = value(c, count);
      CPPUNIT_ASSERT_MESSAGE(files_now, files_now == "0" || files_now == "1000");
      CPPUNIT_ASSERT_EQUAL(std::string(), inconsistency(c));
    }
    scan_mirror(c, "one", tree);
    CPPUNIT_ASSERT_EQUAL(std::string("0"),
                         value(c, "SELECT count(*) FROM scan WHERE outcome = 'running'"));
  }

 private:
  template <typename Action>
  static void in_time(Action action) {
    const auto start = Clock::now();
    action();
    CPPUNIT_ASSERT(Clock::now() - start < 3s);
  }
  TestDatabase database_;
};
CPPUNIT_TEST_SUITE_REGISTRATION(ConnectionTest);

}  // namespace
}  // namespace mirror::db::test
