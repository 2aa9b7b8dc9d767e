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
  CPPUNIT_TEST(theFeedsStatementsAreCheapOnANeverAnalysedDatabase);
  CPPUNIT_TEST(bigMergesRefreshTheStatistics);
  CPPUNIT_TEST(nothingIsCompiled);
  CPPUNIT_TEST_SUITE_END();

 public:
  void preparedStatementsAreCheapOnANeverAnalysedDatabase() {
    TestDatabase database;
    Connection c = database.connect();
    never_analyse(c);
    ask_everything(c);
    check_prepared(c, 10);
  }

  // What a cursor reads has the order and the settings of the transaction, so it is planned there.
  void theFeedsStatementsAreCheapOnANeverAnalysedDatabase() {
    TestDatabase database;
    Connection c = database.connect();
    never_analyse(c);
    for (const HashParts parts : {HashParts::redirect, HashParts::all}) {
      add_files(c);
      forget_statistics(c);
      FeedSnapshot snapshot(c);
      const std::int64_t newest = snapshot.state().rev;
      int pages = 0;
      const auto look = [&](const auto&) { check_cursor(c), ++pages; };
      snapshot.each_cohort_above(-1, look);
      snapshot.each_file_until(newest, parts, look);
      snapshot.each_file_above(0, parts, look);
      snapshot.each_file_above(newest - 1, parts, look);
      CPPUNIT_ASSERT_EQUAL(4, pages);
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

  static void never_analyse(Connection& c) {
    for (const char* table : {"file", "mirror", "cohort", "change", "revision"})
      c.script(fmt::format("ALTER TABLE {} SET (autovacuum_enabled = off)", table));
    forget_statistics(c);
  }

  // A merge of its own, small enough to be noted.
  static void add_files(Connection& c) {
    Tree tree = files("f", 20);
    tree.back().mtime += std::stoll(value(c, "SELECT count(*) FROM revision"));
    scan_source(c, tree);
  }

  static void ask_everything(Connection& c) {
    find_file(c, "no/such/file");
    load_mirrors(c);
    feed_state(c);
    mirrors_rev(c);
    knows_revision(c, 1, "00000000-0000-0000-0000-000000000000");
    {
      FeedSnapshot snapshot(c);
      snapshot.cohorts({1});
      snapshot.without({"no/such/file"}, false, 1);
      snapshot.each_file_above(1, HashParts::redirect, [](const auto&) {});
    }
    for (const HashParts parts : {HashParts::digests, HashParts::pieces, HashParts::all})
      load_hashes(c, "no/such/file", parts);
    load_hashes(c, 1);
    claim_files(c, {1});
    release_files(c, {1});
  }

  static void check_prepared(Connection& c, int at_least) {
    c.script("SET plan_cache_mode = force_generic_plan");
    const Result names = c.run(
        "SELECT name, cardinality(parameter_types) FROM pg_prepared_statements WHERE NOT from_sql");
    CPPUNIT_ASSERT(names.rows() >= at_least);
    for (int row = 0; row < names.rows(); ++row)
      check_cost(c, std::string(names.bytes(row, 0)), names.int4(row, 1));
  }

  static void check_cost(Connection& c, const std::string& name, std::int32_t parameters) {
    const double cost = cost_of(c, name, parameters);
    CPPUNIT_ASSERT_MESSAGE(fmt::format("{} costs {}", name, cost), cost > 0 && cost < kMaxCost);
  }

  // The cursor that is open now: DECLARE feed … CURSOR FOR the statement.
  static void check_cursor(Connection& c) {
    const std::string statement = value(c, "SELECT statement FROM pg_cursors WHERE name = 'feed'");
    const std::size_t query = statement.find("SELECT");
    CPPUNIT_ASSERT(query != statement.npos);
    c.script("SET LOCAL plan_cache_mode = force_generic_plan; PREPARE page AS " +
             statement.substr(query));
    check_cost(c, "page", statement.find("$1") == statement.npos ? 0 : 1);
    c.script("DEALLOCATE page");
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
