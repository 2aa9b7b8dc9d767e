// Tests that the statements of requests and of the feed are cheap whatever the planner knows: on a
// database that was never analysed, with plans made for any parameters.
#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>

#include <string>

#include "db/feed.h"
#include "db/hash/known_hashes.h"
#include "db/lookup.h"
#include "db/session.h"
#include "t/db/database.h"

namespace mirror::db::test {
namespace {

// A lookup by a key costs some 10 of the planner's units a table; PostgreSQL compiles plans from
// 100,000 on where jit is on.
constexpr double kMaxCost = 5000;

class PlansTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PlansTest);
  CPPUNIT_TEST(preparedStatementsAreCheapOnANeverAnalysedDatabase);
  CPPUNIT_TEST(bigMergesRefreshTheStatistics);
  CPPUNIT_TEST(nothingIsCompiled);
  CPPUNIT_TEST_SUITE_END();

 public:
  void preparedStatementsAreCheapOnANeverAnalysedDatabase() {
    TestDatabase database;
    Connection c = database.connect();
    c.script(
        "ALTER TABLE file SET (autovacuum_enabled = off); ALTER TABLE mirror SET "
        "(autovacuum_enabled = off)");
    forget_statistics(c);
    ask_everything(c);
    c.script("SET plan_cache_mode = force_generic_plan");
    const Result names = c.run(
        "SELECT name, cardinality(parameter_types) FROM pg_prepared_statements WHERE NOT from_sql");
    CPPUNIT_ASSERT(names.rows() >= 7);
    for (int row = 0; row < names.rows(); ++row) {
      const double cost = cost_of(c, std::string(names.bytes(row, 0)), names.int4(row, 1));
      CPPUNIT_ASSERT_MESSAGE(fmt::format("{} costs {}", names.bytes(row, 0), cost),
                             cost > 0 && cost < kMaxCost);
    }
  }

  void bigMergesRefreshTheStatistics() {
    TestDatabase database;
    Connection c = database.connect("mirror_scanner");
    forget_statistics(*std::make_unique<Connection>(database.connect()));
    scan_source(c, files("f", 1500));
    CPPUNIT_ASSERT_EQUAL(
        std::string("1500"),
        value(c, "SELECT reltuples::bigint FROM pg_class WHERE oid = 'file'::regclass"));
  }

  void nothingIsCompiled() {
    TestDatabase database;
    Connection admin = database.connect();
    admin.script(fmt::format("ALTER DATABASE {} SET jit = on", database.name()));
    Connection c = database.connect();
    CPPUNIT_ASSERT_EQUAL(std::string("off"), value(c, "SELECT current_setting('jit')"));
  }

 private:
  // As if nobody had ever analysed these tables.
  static void forget_statistics(Connection& c) {
    c.script(
        "UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE relnamespace = "
        "'mirror'::regnamespace;"
        "DELETE FROM pg_statistic WHERE starelid IN (SELECT oid FROM pg_class WHERE relnamespace = "
        "'mirror'::regnamespace)");
  }

  static void ask_everything(Connection& c) {
    find_file(c, "no/such/file");
    load_mirrors(c);
    feed_state(c);
    for (const HashParts parts : {HashParts::digests, HashParts::pieces, HashParts::all})
      load_hashes(c, "no/such/file", parts);
    load_hashes(c, 1);
    claim_files(c, {1});
    release_files(c, {1});
  }

  static double cost_of(Connection& c, const std::string& name, std::int32_t parameters) {
    std::string nulls;
    for (std::int32_t i = 0; i < parameters; ++i) nulls += i == 0 ? "NULL" : ", NULL";
    const Result plan =
        c.run(fmt::format("EXPLAIN EXECUTE {}{}", name, nulls.empty() ? "" : "(" + nulls + ")"));
    const std::string first(plan.bytes(0, 0));
    const std::size_t cost = first.find("cost=");  // cost=0.15..8.17
    const std::size_t dots = cost == first.npos ? cost : first.find("..", cost);
    return dots == first.npos ? -1 : std::stod(first.substr(dots + 2));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(PlansTest);

}  // namespace
}  // namespace mirror::db::test
