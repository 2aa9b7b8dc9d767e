// The schema's version and its migrations; the SQL itself is sql/schema.sql and
// sql/migrations/NNNN-*.sql, compiled in.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pg/connection.h"

namespace mirror::db {

struct Migration;

int known_schema_version();                      // what this program was built for
std::optional<int> schema_version(Connection&);  // nullopt: no schema in this database

// Creates everything in an empty database; leaves a database that has the current schema alone;
// throws Error for any other. Roles are created where they are missing and this user may; where
// not, a note says what to do. Two at once: one waits. Returns what it did, a line each.
std::vector<std::string> init_schema(Connection&);

struct MigrationEvents {
  std::function<void(const std::string&)> done;  // a line for each thing done
  // Who holds a lock that is needed.
  std::function<void(const std::string&)> waits = [](const std::string&) {};
};
// Applies the missing migrations, each in its own transaction, and says which. Two at once: one
// waits. A migration that fails leaves the database at the version before it. As init_schema() it
// takes the right to create in schema public from everybody. Only the owner of the tables may.
// Everybody else queues behind a lock that this waits for: so the session should wait for one
// shortly. Then the migration is tried again, for kMergePatience in all, while `waits` is told.
void migrate_schema(Connection&, const MigrationEvents&);
// With other migrations than our own.
void migrate_schema(Connection&, const MigrationEvents&, const std::vector<Migration>&);
// The names and purposes of those that migrate_schema() would apply. Throws Error where it would at
// once.
std::vector<std::string> pending_migrations(Connection&);

// Throws Error that names the owner of the tables unless this role has its rights.
void require_owner(Connection&);

// For a backup to be read in: throws Error unless the database has no table of ours or others.
// Creates the schema, and the roles that its rules name, which must be there afterwards.
void prepare_restore(Connection&);
// Gives the roles their rights in what was read in. Returns what is left to do, a line each.
std::vector<std::string> finish_restore(Connection&);
// Whether every role may create functions and tables in schema public. Sessions of ours do not look
// there; those of others may.
bool public_is_open(Connection&);
// Throws Error naming both versions and what to do unless the database has the known version, or a
// later one that says that programs of this one work with it.
void require_schema(Connection&);

}  // namespace mirror::db
