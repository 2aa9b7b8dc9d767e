// What readers can read and what the schema lets in are the same: odd values are tried on every
// column that a program's role may write, and what the constraints accept is pulled, read back from
// the catalog and looked up as without them.
#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>

#include <map>
#include <string>
#include <vector>

#include "catalog/reader.h"
#include "db/feed.h"
#include "db/hash/known_hashes.h"
#include "db/lookup.h"
#include "db/mirror/mirrors.h"
#include "db/path_rules.h"
#include "feed/pull.h"
#include "t/db/feed_world.h"

namespace mirror::db::test {
namespace {

struct Column {
  std::string table, name, type;
};

// Of every type that such columns have, as literals.
const std::map<std::string, std::vector<std::string>>& odd_values() {
  static const std::vector<std::string> integers = {"-9223372036854775808",
                                                    "-1",
                                                    "0",
                                                    "1",
                                                    "2147483647",
                                                    "2147483648",
                                                    "1152921504606846976",
                                                    "1152921504606846977",
                                                    "9223372036854775807"};
  static const std::map<std::string, std::vector<std::string>> values = {
      {"bigint", integers},
      {"integer", integers},
      {"smallint", integers},
      {"boolean", {"true", "false"}},
      {"double precision", {"NaN", "Infinity", "-Infinity", "-1", "0", "1e-300", "1", "1e308"}},
      {"timestamp with time zone",
       {"infinity", "-infinity", "4713-01-01 BC", "1970-01-01", "9999-12-30", "294276-12-31"}},
      {"smallint[]",
       {"{}", "{NULL}", "{{1,2},{3,4}}", "[5:6]={1,2}", "{32767}", "{-1,0,-32768}", "{2,1,2}"}},
      {"bigint[]", {"{}", "{NULL}", "{{1,2},{3,4}}", "[5:6]={1,2}", "{9223372036854775807,-1}"}},
      {"bytea",
       {"", "\\x00", "\\xff2f2e2e2f", "\\x2f", std::string(2048, 'x'), std::string(2049, 'y'),
        std::string(70000, 'z')}},
      {"text", {"", "x", "\x7f", "https://h.example/", std::string(5000, 't')}},
      {"text[]", {"{}", "{NULL}", "{{a,b},{c,d}}", "[5:6]={a,b}", "{a/b,\"\"}"}},
      {"\"char\"", {"", "f", "l", "a", "s", "x"}},
      {"uuid", {"00000000-0000-0000-0000-000000000000"}},
  };
  return values;
}

// Every column that the scanner's role may change in rows that are there.
std::vector<Column> writable(Connection& connection) {
  const Result rows = connection.run(
      "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL)::text "
      "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
      "WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND a.attidentity = '' "
      "AND c.relnamespace = current_schema()::regnamespace "
      "AND has_column_privilege('mirror_scanner', c.oid, a.attnum, 'UPDATE') ORDER BY 1, 2");
  std::vector<Column> columns;
  for (int row = 0; row < rows.rows(); ++row) {
    columns.push_back({std::string(rows.bytes(row, 0)), std::string(rows.bytes(row, 1)),
                       std::string(rows.bytes(row, 2))});
  }
  return columns;
}

// Whether the schema accepts it, in one row of the table or in all.
bool put(Connection& connection, const Column& column, const std::string& value, bool in_all) {
  try {
    connection.run(
        fmt::format(
            "UPDATE {0} SET {1} = $1::text::{2}{3}", column.table, column.name, column.type,
            in_all ? "" : fmt::format(" WHERE ctid = (SELECT max(ctid) FROM {})", column.table)),
        Params().text(value));
    return true;
  } catch (const Error&) {
    return false;
  }
}

// Gives a table its rows back at the end, and no trigger hears of it.
class Kept {
 public:
  Kept(Connection& connection, const std::string& table) : connection_(connection), table_(table) {
    connection_.script("CREATE TEMP TABLE kept AS TABLE " + table_);
  }
  ~Kept() {
    connection_.script(
        fmt::format("SET session_replication_role = replica; DELETE FROM {0}; INSERT INTO {0} "
                    "OVERRIDING SYSTEM "
                    "VALUE TABLE kept; RESET session_replication_role; DROP TABLE kept",
                    table_));
  }
  Kept(const Kept&) = delete;

 private:
  Connection& connection_;
  const std::string table_;
};

class BoundsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(BoundsTest);
  CPPUNIT_TEST(whateverTheSchemaLetsInIsRead);
  CPPUNIT_TEST(madeUpRevisionsAreRefused);
  CPPUNIT_TEST_SUITE_END();

 public:
  void whateverTheSchemaLetsInIsRead();
  void madeUpRevisionsAreRefused();

 private:
  static void check_all_readers(World& world, catalog::Environment& environment);
};

// Each of them throws for what it cannot read.
void BoundsTest::check_all_readers(World& world, catalog::Environment& environment) {
  Connection& connection = world.connection;
  UnreadableRows unreadable;
  pull_mirrors(connection, environment, true, unreadable);
  {
    FeedSnapshot snapshot(connection);
    CPPUNIT_ASSERT(pull_changes(snapshot, environment, kGoOn).has_value());
    CPPUNIT_ASSERT_EQUAL(std::string(), unreadable.text() + snapshot.unreadable().text());
    catalog::Meta meta = catalog::Snapshot(environment.shared_from_this())->meta();
    CPPUNIT_ASSERT_MESSAGE("the state that was pulled", same_state(snapshot.state(), meta));
  }
  Folder folder;
  const auto anew = load(connection, folder / "catalog.1.mdb", true);
  CPPUNIT_ASSERT_EQUAL(std::string(), difference(state_of(connection, true), state_of(*anew)));
  for (const auto& [path, known] : state_of(*anew).files) {
    find_file(connection, path);
    load_hashes(connection, path, HashParts::all);
  }
  list_mirrors(connection);
  hash_backlog(connection, "", HashKinds(), false);
  list_hash_targets(connection, "", "", HashKinds(), 200);
}

void BoundsTest::whateverTheSchemaLetsInIsRead() {
  World world(7);
  for (int i = 0; i < 60; ++i) world.change();
  store_path_rules(world.connection, PathRules({"*.rpm", "pool/**"}));
  Folder folder;
  const auto environment = load(world.connection, folder / "catalog.1.mdb", true);
  int accepted = 0, refused = 0;
  Connection& connection = world.connection;
  for (const Column& column : writable(connection)) {
    const auto values = odd_values().find(column.type);
    CPPUNIT_ASSERT_MESSAGE(column.type, values != odd_values().end());
    for (const std::string& value : values->second) {
      const Kept kept(connection, column.table);
      if (!put(connection, column, value, true) && !put(connection, column, value, false)) {
        ++refused;
        continue;
      }
      ++accepted;
      try {
        check_all_readers(world, *environment);
      } catch (const std::exception& error) {
        CPPUNIT_FAIL(fmt::format("{}.{} = '{}': {}", column.table, column.name, value.substr(0, 50),
                                 error.what()));
      }
    }
  }
  CPPUNIT_ASSERT_MESSAGE(fmt::format("{} accepted, {} refused", accepted, refused),
                         accepted > 100 && refused > 100);
}

void BoundsTest::madeUpRevisionsAreRefused() {
  World world(1);
  world.change_source();
  const std::string newest = value(world.connection, "SELECT max(rev) FROM revision");
  Connection scanner = world.connect("mirror_scanner");
  for (const char* statement :
       {"INSERT INTO revision (rev) VALUES (9223372036854775807)",
        "INSERT INTO revision (rev) SELECT max(rev) + 1 FROM revision",
        "INSERT INTO change (rev, upto) VALUES (9223372036854775807, 0)",
        "INSERT INTO change (rev, upto) SELECT max(rev), 9223372036854775807 FROM revision",
        "UPDATE mirror_rev SET rev = 9223372036854775807", "UPDATE mirror_rev SET rev = 0"}) {
    CPPUNIT_ASSERT_THROW_MESSAGE(statement, scanner.script(statement), Error);
  }
  // What comes near is passed by.
  scanner.script(
      "INSERT INTO change (rev, upto) SELECT max(rev), 1152921504606846976 FROM revision");
  world.change_source();
  CPPUNIT_ASSERT(value(world.connection, "SELECT max(rev) FROM revision") != newest);
  world.connection.script("UPDATE mirror SET enabled = NOT enabled");
}

CPPUNIT_TEST_SUITE_REGISTRATION(BoundsTest);

}  // namespace
}  // namespace mirror::db::test
