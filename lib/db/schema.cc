#include "db/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "core/path.h"
#include "db/locks.h"
#include "db/schema_sql.h"
#include "db/session.h"

namespace mirror::db {
namespace {

constexpr const char* kLockNotAvailable = "55P03";
constexpr std::chrono::seconds kTryAgain(2);
constexpr const char* kRoles[] = {"mirror_httpd", "mirror_scanner", "mirror_admin"};

// The session that had the lock may have created or moved the schema in the meantime.
void take_schema_lock(Connection& connection) {
  connection.run("SELECT pg_advisory_xact_lock($1, $2)",
                 Params().int4(kLockSpace).int4(kSchemaLock));
  // A server process hears of others' new schemas when it locks a table, not by an advisory lock.
  connection.script("LOCK TABLE pg_catalog.pg_namespace IN ACCESS SHARE MODE");
  enter_schema(connection);
}

// The name of any table in the schema that ours would go to; "" for none. What extensions brought
// does not count.
std::string foreign_table(Connection& connection) {
  const Result found = connection.run(
      "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = "
      "current_schema()::regnamespace AND c.relkind IN ('r', 'p') "
      "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid "
      "= c.oid AND d.deptype = 'e') "
      "ORDER BY 1 LIMIT 1");
  return found.empty() ? "" : std::string(found.bytes(0, 0));
}

// SQL_ASCII accepts any bytes as text, and returns them to clients that ask for UTF-8.
void require_unicode(Connection& connection) {
  const Result encoding = connection.run(
      "SELECT pg_encoding_to_char(encoding)::text FROM pg_database WHERE datname = "
      "current_database()");
  if (encoding.bytes(0, 0) != "SQL_ASCII") return;
  throw Error(
      "this database has the encoding SQL_ASCII, which does not check text: create it again with "
      "CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8'",
      "");
}

// Fit to be mod_mirror's alone.
void require_empty(Connection& connection) {
  if (const std::string table = foreign_table(connection); !table.empty()) {
    throw Error(
        fmt::format(
            "this database is not empty, it has a table '{}': create one for mod_mirror alone",
            table),
        "");
  }
  require_unicode(connection);
}

// Of its own, so that no other role can hide our functions and tables behind its own.
void create_empty_schema(Connection& connection) {
  try {
    connection.script(fmt::format("CREATE SCHEMA IF NOT EXISTS {}", kSchemaName));
  } catch (const ConnectionError&) {
    throw;
  } catch (const Error& error) {
    if (error.sqlstate() != "42501") throw;
    throw Error(fmt::format("this user may not create the schema '{0}': as the database's owner or "
                            "a superuser run CREATE SCHEMA {0} AUTHORIZATION USER, with this "
                            "user's name, then mb db init",
                            kSchemaName),
                error.sqlstate());
  }
}

void create_schema(Connection& connection) {
  create_empty_schema(connection);
  connection.script(fmt::format("SET search_path = {}, pg_temp", kSchemaName));
  connection.script(kSchemaSql);
  connection.script("ANALYZE mirror_rev, source, mirror, mirror_prefix");
}

// Only the owner needs to create anything in this database.
void close_public(Connection& connection, std::vector<std::string>& done) {
  if (!public_is_open(connection)) return;
  connection.script("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
  done.push_back(public_is_open(connection)
                     ? "every role may create in schema public: as its owner run REVOKE CREATE ON "
                       "SCHEMA public FROM PUBLIC"
                     : "took the right to create in schema public from PUBLIC");
}

bool role_exists(Connection& connection, const char* role) {
  return !connection.run("SELECT FROM pg_roles WHERE rolname = $1::text", Params().text(role))
              .empty();
}

// Roles belong to the whole cluster: another database's set-up may create the same one at the same
// moment.
std::string create_role(Connection& connection, const char* role) {
  if (role_exists(connection, role)) return "";
  connection.script("SAVEPOINT create_role");
  try {
    connection.script(fmt::format("CREATE ROLE {} LOGIN", role));
    return fmt::format("created role {}", role);
  } catch (const ConnectionError&) {
    throw;
  } catch (const Error& error) {
    connection.script("ROLLBACK TO create_role");
    if (error.sqlstate() == "42710" || error.sqlstate() == "23505") return "";
    if (error.sqlstate() != "42501") throw;
    return fmt::format(
        "role {} is missing and this user may not create it: as a superuser run CREATE ROLE {} "
        "LOGIN, then "
        "mb db migrate to grant it its rights",
        role, role);
  }
}

// grants.sql holds one part per role, each opened by a line `-- role: NAME`.
void apply_grants(Connection& connection) {
  std::string text = kGrantsSql;
  for (std::size_t at; (at = text.find("{schema}")) != std::string::npos;)
    text.replace(at, 8, kSchemaName);
  static constexpr std::string_view kMark = "-- role: ";
  for (std::size_t at = text.find(kMark); at != std::string::npos;) {
    const std::size_t name = at + kMark.size(), line_end = text.find('\n', name),
                      next = text.find(kMark, line_end);
    const std::string role = text.substr(name, line_end - name);
    if (role == "PUBLIC" || role_exists(connection, role.c_str()))
      connection.script(text.substr(at, next - at));
    at = next;
  }
}

void set_up_roles(Connection& connection, std::vector<std::string>& done) {
  for (const char* role : kRoles) {
    std::string note = create_role(connection, role);
    if (!note.empty()) done.push_back(std::move(note));
  }
  apply_grants(connection);
}

int newest(const std::vector<Migration>& migrations) {
  return migrations.empty() ? 1 : migrations.back().version;
}

// Of the newest schema; programs as old as it work with what came before, too.
int oldest_program(Connection& connection) {
  return connection
      .run(
          "SELECT coalesce(oldest_program, version) FROM schema_version ORDER BY version DESC "
          "LIMIT 1")
      .int4(0, 0);
}

std::string too_new(int found, int known) {
  return fmt::format(
      "the database has schema version {}, this program knows {}: install the version of the "
      "program that "
      "migrated the database, or a later one",
      found, known);
}

// What a migration has to say, which it leaves in a temporary table until it is committed.
void add_notes(Connection& connection, std::vector<std::string>& done) {
  if (connection.run("SELECT WHERE to_regclass('pg_temp.migration_note') IS NOT NULL").empty())
    return;
  const Result notes = connection.run("SELECT line FROM pg_temp.migration_note");
  for (int row = 0; row < notes.rows(); ++row) done.push_back(printable(notes.bytes(row, 0)));
}

using Steps = std::vector<Migration>;

// The first that is missing. Throws Error if this program or this role cannot migrate.
Steps::const_iterator next_step(Connection& connection, const Steps& migrations) {
  require_owner(connection);
  const std::optional<int> version = schema_version(connection);
  if (!version) throw Error("this database has no mod_mirror schema: run mb db init", "");
  if (*version > newest(migrations)) throw Error(too_new(*version, newest(migrations)), "");
  return std::find_if(migrations.begin(), migrations.end(),
                      [&](const Migration& m) { return m.version > *version; });
}

void note_version(Connection& connection, const Migration& step) {
  connection.run("INSERT INTO schema_version (version) VALUES ($1)", Params().int4(step.version));
  if (step.oldest_program != step.version)
    connection.run("UPDATE schema_version SET oldest_program = $2 WHERE version = $1",
                   Params().int4(step.version).int4(step.oldest_program));
}

void apply(Connection& connection, const Migration& step) {
  try {
    connection.script(step.sql);
  } catch (const ConnectionError&) {
    throw;
  } catch (const Error& error) {
    throw Error(fmt::format("migration {} failed, the database stays at the version before: {}",
                            step.name, error.what()),
                error.sqlstate());
  }
}

// One transaction for one migration; false if none is left.
bool migrate_once(Connection& connection, const Steps& migrations, std::vector<std::string>& done) {
  Transaction transaction(connection);
  take_schema_lock(connection);
  const auto next = next_step(connection, migrations);
  if (next == migrations.end()) {
    set_up_roles(connection, done);
    close_public(connection, done);
    transaction.commit();
    return false;
  }
  apply(connection, *next);
  done.push_back(fmt::format("applied migration {}", next->name));
  add_notes(connection, done);
  enter_schema(connection);  // of which the migration may have made another
  note_version(connection, *next);
  transaction.commit();
  return true;
}

// As migrate_once(), until it has the locks that it needs.
bool migrate_in_time(Connection& connection, const MigrationEvents& events,
                     const Steps& migrations) {
  const auto give_up_at = Clock::now() + kMergePatience;
  for (std::string told;;) {
    std::vector<std::string> done;
    try {
      const bool more = migrate_once(connection, migrations, done);
      for (const std::string& line : done) events.done(line);
      return more;
    } catch (const Error& error) {
      if (error.sqlstate() != kLockNotAvailable || Clock::now() > give_up_at) throw;
      if (told != error.what()) events.waits(error.what());
      told = error.what();
    }
    std::this_thread::sleep_for(kTryAgain);
  }
}

// What its first line says.
std::string_view purpose(const Migration& step) {
  std::string_view text = step.sql;
  text = text.substr(0, text.find('\n'));
  return text.starts_with("-- ") ? text.substr(3) : "";
}

}  // namespace

int known_schema_version() { return newest(embedded_migrations()); }

std::optional<int> schema_version(Connection& connection) {
  if (connection.run("SELECT WHERE to_regclass('schema_version') IS NOT NULL").empty())
    return std::nullopt;
  const Result found = connection.run("SELECT max(version) FROM schema_version");
  if (found.is_null(0, 0)) return std::nullopt;
  return found.int4(0, 0);
}

std::vector<std::string> init_schema(Connection& connection) {
  std::vector<std::string> done;
  Transaction transaction(connection);
  take_schema_lock(connection);
  if (const std::optional<int> version = schema_version(connection)) {
    if (*version > known_schema_version())
      throw Error(too_new(*version, known_schema_version()), "");
    if (*version < known_schema_version()) {
      throw Error(
          fmt::format(
              "the database has schema version {}, this program needs {}: run mb db migrate",
              *version, known_schema_version()),
          "");
    }
    done.push_back(fmt::format("the schema is there already, version {}", *version));
  } else {
    require_empty(connection);
    create_schema(connection);
    done.push_back(fmt::format("created the schema, version {}", known_schema_version()));
  }
  set_up_roles(connection, done);
  close_public(connection, done);
  transaction.commit();
  return done;
}

void require_owner(Connection& connection) {
  const Result found = connection.run(
      "SELECT pg_get_userbyid(relowner)::text, current_user::text FROM pg_class "
      "WHERE oid = to_regclass('schema_version') AND NOT pg_has_role(relowner, 'USAGE')");
  if (found.empty()) return;
  throw Error(fmt::format("only role {0} may do this, which owns the tables, and this is role {1}: "
                          "run it as {0}",
                          found.bytes(0, 0), found.bytes(0, 1)),
              "42501");
}

void migrate_schema(Connection& connection, const MigrationEvents& events) {
  migrate_schema(connection, events, embedded_migrations());
}

void migrate_schema(Connection& connection, const MigrationEvents& events,
                    const std::vector<Migration>& migrations) {
  while (migrate_in_time(connection, events, migrations)) {
  }
}

std::vector<std::string> pending_migrations(Connection& connection) {
  const Steps& migrations = embedded_migrations();
  std::vector<std::string> pending;
  for (auto step = next_step(connection, migrations); step != migrations.end(); ++step)
    pending.push_back(fmt::format("{}: {}", step->name, purpose(*step)));
  return pending;
}

void prepare_restore(Connection& connection) {
  if (schema_version(connection))
    throw Error("this database has tables of mod_mirror already: create an empty one", "");
  require_empty(connection);
  std::vector<std::string> notes;
  Transaction transaction(connection);
  for (const char* role : kRoles) {
    const std::string note = create_role(connection, role);
    if (!role_exists(connection, role)) throw Error(note, "");
  }
  create_empty_schema(connection);
  transaction.commit();
}

std::vector<std::string> finish_restore(Connection& connection) {
  enter_schema(connection);
  const std::optional<int> version = schema_version(connection);
  if (!version) throw Error("what was read in is no backup of mod_mirror's tables", "");
  if (*version > known_schema_version())
    throw Error("all is read in, but the roles have no rights yet: " +
                    too_new(*version, known_schema_version()) + ", and run its mb db migrate",
                "");
  std::vector<std::string> left;
  if (*version < known_schema_version()) {
    left.push_back(
        fmt::format("the backup has schema version {}, this program needs {}: run mb db migrate",
                    *version, known_schema_version()));
  } else {
    Transaction transaction(connection);
    set_up_roles(connection, left);
    close_public(connection, left);
    transaction.commit();
  }
  connection.script("ANALYZE");
  return left;
}

bool public_is_open(Connection& connection) {
  return !connection
              .run(
                  "SELECT FROM pg_namespace WHERE nspname = 'public' "
                  "AND has_schema_privilege('public', oid, 'CREATE')")
              .empty();
}

void require_schema(Connection& connection) {
  const std::optional<int> version = schema_version(connection);
  const int known = known_schema_version();
  if (!version) throw Error("this database has no mod_mirror schema: run mb db init", "");
  if (*version > known && oldest_program(connection) > known)
    throw Error(too_new(*version, known), "");
  if (*version < known) {
    throw Error(
        fmt::format("the database has schema version {}, this program needs {}: run mb db migrate",
                    *version, known),
        "");
  }
}

}  // namespace mirror::db
