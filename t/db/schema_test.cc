// Tests lib/db/schema.cc and sql/: creating, migrating, roles and constraints.
#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>
#include <unistd.h>

#include <thread>

#include "core/hashes.h"
#include "core/path.h"
#include "db/lookup.h"
#include "db/schema_sql.h"
#include "db/session.h"
#include "t/db/database.h"

namespace mirror::db::test {
namespace {

class SchemaTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SchemaTest);
  CPPUNIT_TEST(loadsTwice);
  CPPUNIT_TEST(refusesADatabaseOfOthers);
  CPPUNIT_TEST(migratesFromEveryStep);
  CPPUNIT_TEST(aFailedMigrationLeavesTheStepBefore);
  CPPUNIT_TEST(refusesAVersionItDoesNotKnow);
  CPPUNIT_TEST(takesALaterVersionThatSaysSo);
  CPPUNIT_TEST(createsAtOnceInTwoProcesses);
  CPPUNIT_TEST(migratesAtOnceInTwoProcesses);
  CPPUNIT_TEST(httpdReadsWhatRedirectsNeed);
  CPPUNIT_TEST(scannerScansAndNoMore);
  CPPUNIT_TEST(scannerEnablesAMirrorAndDisablesNone);
  CPPUNIT_TEST(httpdSeesNoStagedFiles);
  CPPUNIT_TEST(usesNobodysFunctions);
  CPPUNIT_TEST(takesCreateInPublicAway);
  CPPUNIT_TEST(refusesADatabaseThatChecksNoText);
  CPPUNIT_TEST(adminChangesMirrors);
  CPPUNIT_TEST(saysWhichRoleItMayNotCreate);
  CPPUNIT_TEST(constraintsHaveTheLibrarysBounds);
  CPPUNIT_TEST(constraintsRefuseBadMirrors);
  CPPUNIT_TEST(constraintsTakeGoodMirrors);
  CPPUNIT_TEST(prefixesOfBothFamilies);
  CPPUNIT_TEST_SUITE_END();

 public:
  void loadsTwice() {
    TestDatabase database(TestDatabase::With::nothing);
    Connection connection = database.connect();
    CPPUNIT_ASSERT(!schema_version(connection));
    CPPUNIT_ASSERT_THROW(require_schema(connection), Error);
    CPPUNIT_ASSERT_EQUAL(fmt::format("created the schema, version {}", known_schema_version()),
                         init_schema(connection).at(0));
    CPPUNIT_ASSERT_EQUAL(
        fmt::format("the schema is there already, version {}", known_schema_version()),
        init_schema(connection).at(0));
    CPPUNIT_ASSERT_EQUAL(known_schema_version(), schema_version(connection).value());
    CPPUNIT_ASSERT(migrated(connection, embedded_migrations()).empty());
    require_schema(connection);
  }

  void refusesADatabaseOfOthers() {
    TestDatabase database(TestDatabase::With::nothing);
    Connection connection = database.connect();
    connection.script("CREATE TABLE server (id int)");
    CPPUNIT_ASSERT_THROW(init_schema(connection), Error);
    CPPUNIT_ASSERT(!schema_version(connection));
  }

  void migratesFromEveryStep() {
    for (std::size_t from = 0; from <= kNewSteps; ++from) {
      TestDatabase database;
      Connection connection = database.connect();
      migrated(connection, steps(from));
      const auto done = migrated(connection, steps());
      CPPUNIT_ASSERT_EQUAL(kNewSteps - from, done.size());
      CPPUNIT_ASSERT_EQUAL(known_schema_version() + 2, schema_version(connection).value());
      CPPUNIT_ASSERT_EQUAL(std::string("0"), value(connection, "SELECT count(b) FROM step"));
    }
  }

  void aFailedMigrationLeavesTheStepBefore() {
    TestDatabase database;
    Connection connection = database.connect();
    std::vector<Migration> broken = steps();
    broken.back().sql = "ALTER TABLE step ADD b int; SELECT 1 / 0";
    CPPUNIT_ASSERT_THROW(migrated(connection, broken), Error);
    CPPUNIT_ASSERT_EQUAL(known_schema_version() + 1, schema_version(connection).value());
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, migrated(connection, steps()).size());
  }

  void refusesAVersionItDoesNotKnow() {
    TestDatabase database;
    Connection connection = database.connect();
    migrated(connection, steps());
    CPPUNIT_ASSERT_THROW(require_schema(connection), Error);
    CPPUNIT_ASSERT_THROW(init_schema(connection), Error);
    CPPUNIT_ASSERT_THROW(migrated(connection, embedded_migrations()), Error);
    CPPUNIT_ASSERT_THROW(pending_migrations(connection), Error);
  }

  void takesALaterVersionThatSaysSo() {
    TestDatabase database;
    Connection connection = database.connect();
    const auto oldest = [&] {
      return value(connection,
                   "SELECT coalesce(oldest_program, version)::text FROM schema_version "
                   "ORDER BY version DESC LIMIT 1");
    };
    CPPUNIT_ASSERT_EQUAL(std::to_string(embedded_migrations().back().oldest_program), oldest());
    std::vector<Migration> later = steps();
    for (Migration& step : later)
      if (step.version > known_schema_version()) step.oldest_program = known_schema_version();
    migrated(connection, later);
    require_schema(connection);
    CPPUNIT_ASSERT_EQUAL(std::to_string(known_schema_version()), oldest());
    later.push_back({later.back().version + 1, "step", "ALTER TABLE step DROP b"});
    migrated(connection, later);
    CPPUNIT_ASSERT_THROW(require_schema(connection), Error);
  }

  void createsAtOnceInTwoProcesses() {
    TestDatabase database(TestDatabase::With::nothing);
    twice([&] {
      Connection connection = database.connect();
      init_schema(connection);
    });
  }

  void migratesAtOnceInTwoProcesses() {
    TestDatabase database;
    twice([&] {
      Connection connection = database.connect();
      migrated(connection, steps());
    });
  }

  void httpdReadsWhatRedirectsNeed() {
    TestDatabase database;
    fill(database);
    Connection httpd = database.connect("mirror_httpd");
    require_schema(httpd);
    CPPUNIT_ASSERT_EQUAL(std::string("one"), mirrors_of(httpd, "f1"));
    CPPUNIT_ASSERT_EQUAL(std::string("absent"), mirrors_of(httpd, "a/b"));
    for (const char* column : {"admin_email", "admin_name", "private_comment", "ftp_url", "*"}) {
      refused(httpd, fmt::format("SELECT {} FROM mirror", column));
    }
    for (const char* sql :
         {"UPDATE mirror SET weight = 1", "DELETE FROM file", "SELECT * FROM scan",
          "SELECT url FROM endpoint", "SELECT options FROM endpoint",
          "INSERT INTO revision (rev) VALUES (99)"}) {
      refused(httpd, sql);
    }
  }

  void scannerScansAndNoMore() {
    TestDatabase database;
    fill(database);
    Connection scanner = database.connect("mirror_scanner");
    CPPUNIT_ASSERT(scan_source(scanner, files("f", 30), {.force = true}).outcome ==
                   MergeOutcome::merged);
    CPPUNIT_ASSERT(scan_mirror(scanner, "one", files("f", 5), {.force = true}).outcome ==
                   MergeOutcome::merged);
    join_cohorts(scanner, 100);
    for (const char* sql :
         {"UPDATE mirror SET weight = 1", "UPDATE mirror SET enabled = false",
          "UPDATE mirror SET online = false", "UPDATE mirror_rev SET rev = 9", "DELETE FROM mirror",
          "SELECT admin_email FROM mirror", "SELECT admin_name FROM mirror",
          "SELECT private_comment FROM mirror", "DROP TABLE file",
          "SELECT nextval('mirror_id_seq')", "UPDATE schema_version SET version = 9"}) {
      refused(scanner, sql);
    }
  }

  void scannerEnablesAMirrorAndDisablesNone() {
    TestDatabase database;
    Connection admin = database.connect();
    const MirrorId id = add_mirror(admin, "one");
    update_mirror(admin, id, {{"enabled", "no"}, {"admin_email", "a@example.org"}});
    Connection scanner = database.connect("mirror_scanner");
    enable_mirror(scanner, id);
    CPPUNIT_ASSERT(find_mirror(scanner, "one")->mirror.enabled);
    CPPUNIT_ASSERT_EQUAL(std::string(), find_mirror(scanner, "one")->admin_email);
    CPPUNIT_ASSERT_EQUAL(std::string("a@example.org"), find_mirror(admin, "one")->admin_email);
    Connection httpd = database.connect("mirror_httpd");
    refused(httpd, "SELECT enable_mirror(1::smallint)");
    refused(httpd, "SELECT analyze_files()");
  }

  void httpdSeesNoStagedFiles() {
    TestDatabase database;
    Connection scanner = database.connect("mirror_scanner");
    scan_source(scanner, {{.path = "a"}, {.path = "b"}, {.path = "secret", .staged = true}});
    scanner.script(
        "INSERT INTO hash (file_id, version_rev, mtimes, sha256) "
        "SELECT id, version_rev, '{1}', sha256(path) FROM file");
    Connection httpd = database.connect("mirror_httpd");
    CPPUNIT_ASSERT_EQUAL(std::string("a b"),
                         value(httpd,
                               "SELECT string_agg(encode(path, 'escape'), ' ' ORDER BY path) "
                               "FROM file"));
    CPPUNIT_ASSERT_EQUAL(std::string("2"), value(httpd, "SELECT count(*) FROM hash"));
    CPPUNIT_ASSERT_EQUAL(std::string("3"), value(scanner, "SELECT count(*) FROM hash"));
    // Replicas hear of a file that is hidden after it was shown.
    scan_source(scanner,
                {{.path = "a"}, {.path = "b", .staged = true}, {.path = "secret", .staged = true}},
                {.force = true});
    CPPUNIT_ASSERT_EQUAL(std::string("b"),
                         value(httpd, "SELECT encode(path, 'escape') FROM file WHERE staged"));
    CPPUNIT_ASSERT_EQUAL(std::string("1"), value(httpd, "SELECT count(*) FROM hash"));
    CPPUNIT_ASSERT_EQUAL(std::string("absent"), mirrors_of(httpd, "b"));
  }

  void usesNobodysFunctions() {
    TestDatabase database;
    fill(database);
    Connection super = database.connect();
    super.script(
        "GRANT CREATE ON SCHEMA public TO PUBLIC; CREATE TABLE public.called (n int); "
        "GRANT ALL ON public.called TO PUBLIC");
    {
      Connection attacker = database.connect("mirror_httpd");
      refused(attacker, "CREATE TABLE mirror.file (id int)");
      attacker.script(
          "CREATE FUNCTION public.cardinality(bigint[]) RETURNS int LANGUAGE sql AS "
          "'INSERT INTO public.called VALUES (1); SELECT 1';"
          "CREATE TABLE public.file (id int); CREATE TABLE public.schema_version (version int); "
          "INSERT INTO public.schema_version VALUES (99)");
    }
    Connection scanner = database.connect("mirror_scanner");
    require_schema(scanner);
    scan_source(scanner, files("g", 30), {.force = true});
    CPPUNIT_ASSERT_EQUAL(std::string("0"), value(super, "SELECT count(*) FROM public.called"));
    CPPUNIT_ASSERT_EQUAL(std::string("mirror, pg_temp"),
                         value(scanner, "SELECT current_setting('search_path')"));
  }

  void takesCreateInPublicAway() {
    TestDatabase database(TestDatabase::With::nothing);
    Connection c = database.connect();
    c.script("GRANT CREATE ON SCHEMA public TO PUBLIC");
    CPPUNIT_ASSERT(public_is_open(c));
    init_schema(c);
    CPPUNIT_ASSERT(!public_is_open(c));
  }

  void refusesADatabaseThatChecksNoText() {
    const std::string name = fmt::format("ascii_{}", getpid());
    Connection admin = open_session("dbname=postgres", tool_session("test", {}));
    admin.script(fmt::format("CREATE DATABASE {} TEMPLATE template0 ENCODING 'SQL_ASCII'", name));
    std::string said;
    try {
      Connection c = open_session("dbname=" + name, tool_session("test", {}));
      init_schema(c);
    } catch (const Error& error) {
      said = error.what();
    }
    admin.script(fmt::format("DROP DATABASE {} WITH (FORCE)", name));
    CPPUNIT_ASSERT_MESSAGE(said, said.find("SQL_ASCII") != said.npos);
  }

  void adminChangesMirrors() {
    TestDatabase database;
    fill(database);
    Connection admin = database.connect("mirror_admin");
    const MirrorId id = add_mirror(admin, "new");
    update_mirror(admin, id, {{"weight", "7"}, {"admin_email", "a@example.org"}});
    rename_mirror(admin, id, "newer");
    add_mirror_prefix(admin, id, "192.0.2.0/24");
    delete_mirror(admin, id);
    delete_mirror(admin, find_mirror(admin, "one")->mirror.id);
    CPPUNIT_ASSERT_EQUAL(std::string(), mirrors_of(admin, "f1"));
    refused(admin, "UPDATE schema_version SET version = 9");
    refused(admin, "DROP TABLE mirror");
  }

  void saysWhichRoleItMayNotCreate() {
    TestDatabase database(TestDatabase::With::nothing);
    {
      // The roles are there already on this cluster, so one is renamed for the while.
      Connection super = database.connect();
      super.script("CREATE ROLE plain LOGIN; ALTER ROLE mirror_admin RENAME TO put_away");
      super.script(fmt::format("GRANT CREATE ON DATABASE {} TO plain", database.name()));
    }
    std::string notes;
    {
      Connection plain = database.connect("plain");
      for (const std::string& line : init_schema(plain)) notes += line + '\n';
    }
    Connection super = database.connect();
    super.script("ALTER ROLE put_away RENAME TO mirror_admin; DROP OWNED BY plain CASCADE");
    super.script("DROP ROLE plain");
    CPPUNIT_ASSERT_MESSAGE(
        notes, notes.find("role mirror_admin is missing and this user may not create it") !=
                   std::string::npos);
  }

  // Bounds that SQL has to repeat.
  void constraintsHaveTheLibrarysBounds() {
    TestDatabase database;
    Connection c = database.connect();
    const std::pair<const char*, std::string> kBounds[] = {
        {"file_path_length", fmt::format("<= {})", kMaxPathBytes)},
        {"hash_signature_length", fmt::format("<= {})", kMaxSignatureBytes)},
    };
    for (const auto& [constraint, bound] : kBounds) {
      const Result rows =
          c.run("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1",
                Params().text(constraint));
      CPPUNIT_ASSERT_EQUAL(1, rows.rows());
      CPPUNIT_ASSERT_MESSAGE(constraint + bound, rows.bytes(0, 0).find(bound) != std::string::npos);
    }
  }

  void constraintsRefuseBadMirrors() {
    TestDatabase database;
    Connection c = database.connect();
    struct Case {
      const char *column, *value, *words;
    };
    static constexpr Case kCases[] = {
        {"weight", "-1", "weight:"},
        {"country", "D", "country:"},
        {"country", "d1", "country:"},
        {"country", "***", "country:"},
        {"region", "XX", "region:"},
        {"latitude", "91", "latitude"},
        {"latitude", "5", "latitude and longitude"},
        {"latitude", "north", "latitude: 'north'"},
        {"http_url", "ftp://a/", "http_url:"},
        {"http_url", "http://", "http_url:"},
        {"http_url", "http://a b/", "http_url:"},
        {"http_url", "http://a/\r\nX: y/", "http_url:"},
        {"http_url", "http://a/?q/", "http_url:"},
        {"https_url", "http://a/", "https_url:"},
        {"rsync_url", "a::b", "rsync_url:"},
        {"ftp_url", "http://a/", "ftp_url:"},
        {"operator_url", "javascript:x", "operator_url:"},
        {"asn", "4294967296", "asn:"},
        {"asn", "-1", "asn:"},
        {"weight", "many", "weight: 'many'"},
        {"enabled", "maybe", "enabled:"},
        {"other_countries", "DE,FRA", "other_countries:"},
        {"excluded_countries", "DE,**", "excluded_countries:"},
        {"file_maxsize", "-5", "file_maxsize:"},
        {"strip_prefix", "/debian", "strip_prefix:"},
        {"strip_prefix", "debian/", "strip_prefix:"},
        {"stamp_path", "/stamp", "stamp_path:"},
        {"stamp_path", "a/../stamp", "stamp_path:"},
        {"max_age", "soon", "max_age:"},
        {"max_age", "-1", "max_age:"},
        {"scan_interval", "-1", "scan_interval:"},
        {"scan_hours", "25-6", "scan_hours:"},
        {"add_prefix", "a/../b", "add_prefix:"},
        {"admin_email", "nobody", "admin_email:"},
        {"http_url", "", "a mirror needs"},
        {"colour", "red", "a mirror has no column"},
        {"subdivision", "bavaria", "subdivision:"},
    };
    for (const Case& test : kCases) {
      const std::string name = fmt::format("{}={}", test.column, test.value);
      try {
        std::vector<Change> columns = {{"http_url", "http://a/"}};
        if (std::string_view(test.column) == "http_url") columns.clear();
        columns.emplace_back(test.column, test.value);
        insert_mirror(c, "bad", columns);
        CPPUNIT_FAIL(name + " was taken");
      } catch (const Error& error) {
        CPPUNIT_ASSERT_MESSAGE(name + ": " + error.what(),
                               std::string_view(error.what()).starts_with(test.words));
      }
    }
    for (const char* identifier : {"", "a b", "-x", "a/b", "a\nb", "ä"}) {
      CPPUNIT_ASSERT_THROW_MESSAGE(
          identifier, insert_mirror(c, identifier, {{"http_url", "http://a/"}}), Error);
    }
    add_mirror(c, "same");
    CPPUNIT_ASSERT_THROW(add_mirror(c, "same"), Error);
  }

  void constraintsTakeGoodMirrors() {
    TestDatabase database;
    Connection c = database.connect();
    insert_mirror(c, "ftp.example.org",
                  {{"http_url", "http://[2001:db8::1]:8080/debian"},
                   {"country", "de"},
                   {"region", "eu"},
                   {"latitude", "48.1"},
                   {"longitude", "-11.5"},
                   {"asn", "AS64500"},
                   {"file_maxsize", "2G"},
                   {"other_countries", "at, ch"},
                   {"rsync_url", "rsync://u@h:873/m/d"},
                   {"weight", "0"},
                   {"rsync_options", "--a=b,--c"}});
    const MirrorRecord record = find_mirror(c, "ftp.example.org").value();
    CPPUNIT_ASSERT_EQUAL(std::string("http://[2001:db8::1]:8080/debian/"), record.mirror.http_url);
    const std::pair<const char*, const char*> shown[] = {{"country", "DE"},
                                                         {"region", "EU"},
                                                         {"latitude", "48.1"},
                                                         {"longitude", "-11.5"},
                                                         {"asn", "64500"},
                                                         {"file_maxsize", "2147483648"},
                                                         {"other_countries", "AT,CH"},
                                                         {"rsync_url", "rsync://u@h:873/m/d/"},
                                                         {"weight", "0"},
                                                         {"enabled", "no"},
                                                         {"online", "yes"},
                                                         {"rsync_options", "--a=b,--c"}};
    for (const auto& [name, text] : shown) {
      for (const MirrorColumn& column : mirror_columns()) {
        if (std::string_view(column.name) == name)
          CPPUNIT_ASSERT_EQUAL(std::string(text), column_text(record, column));
      }
    }
    update_mirror(c, record.mirror.id, {{"latitude", ""}, {"longitude", ""}, {"country", "**"}});
    CPPUNIT_ASSERT(!find_mirror(c, "ftp.example.org")->mirror.place);
    CPPUNIT_ASSERT(find_mirror(c, "ftp.example.org")->mirror.country.everyone());
  }

  void prefixesOfBothFamilies() {
    TestDatabase database;
    Connection c = database.connect();
    const MirrorId id = add_mirror(c, "one");
    const std::int64_t rev = load_mirrors(c)->rev();
    for (const char* good : {"192.0.2.0/24", "2001:db8::/32", "AS64500", "64501"})
      add_mirror_prefix(c, id, good);
    for (const char* bad : {"192.0.2.1/24", "2001:db8::1/32", "AS0", "AS4294967296", "x",
                            "192.0.2.0/33", "192.0.2.0/24"}) {
      CPPUNIT_ASSERT_THROW_MESSAGE(bad, add_mirror_prefix(c, id, bad), Error);
    }
    const auto table = load_mirrors(c);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, table->find(id)->prefixes.size());
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, table->find(id)->served_as.size());
    CPPUNIT_ASSERT(table->rev() > rev);
    CPPUNIT_ASSERT(remove_mirror_prefix(c, id, "2001:db8::/32"));
    CPPUNIT_ASSERT(!remove_mirror_prefix(c, id, "2001:db8::/32"));
  }

 private:
  static constexpr std::size_t kNewSteps = 2;
  // Our own migrations and `count` more.
  static std::vector<Migration> steps(std::size_t count = kNewSteps) {
    std::vector<Migration> all = embedded_migrations();
    for (const char* sql : {"CREATE TABLE step (a int)", "ALTER TABLE step ADD b int"}) {
      if (all.size() < embedded_migrations().size() + count)
        all.push_back({all.back().version + 1, "step", sql});
    }
    return all;
  }

  static std::vector<std::string> migrated(Connection& connection,
                                           const std::vector<Migration>& migrations) {
    std::vector<std::string> done;
    migrate_schema(connection, {.done = [&](const auto& line) { done.push_back(line); }},
                   migrations);
    return done;
  }

  static void fill(TestDatabase& database) {
    Connection connection = database.connect();
    add_mirror(connection, "one");
    scan_source(connection, files("f", 20));
    scan_mirror(connection, "one", files("f", 20));
  }
  static void refused(Connection& connection, const std::string& sql) {
    try {
      connection.script(sql);
      CPPUNIT_FAIL(sql + " was allowed");
    } catch (const Error& error) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(sql, std::string("42501"), error.sqlstate());
    }
  }
  template <typename Action>
  static void twice(Action action) {
    std::string errors[2];
    std::thread threads[2];
    for (int i = 0; i < 2; ++i) {
      threads[i] = std::thread([&, i] {
        try {
          action();
        } catch (const std::exception& error) {
          errors[i] = error.what();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const std::string& error : errors) CPPUNIT_ASSERT_EQUAL(std::string(), error);
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(SchemaTest);

}  // namespace
}  // namespace mirror::db::test
