// The schema's version and its migrations; the SQL itself is sql/schema.sql and
// sql/migrations/NNNN-*.sql, compiled in.
#pragma once

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
// Applies the missing migrations, each in its own transaction, and says which. Two at once: one
// waits. A migration that fails leaves the database at the version before it. As init_schema() it
// takes the right to create in schema public from everybody.
std::vector<std::string> migrate_schema(Connection&);
std::vector<std::string> migrate_schema(
    Connection&, const std::vector<Migration>&);  // with other migrations than our own
// Whether every role may create functions and tables in schema public. Sessions of ours do not look
// there; those of others may.
bool public_is_open(Connection&);
// Throws Error naming both versions and what to do unless the database has exactly the known
// version.
void require_schema(Connection&);

}  // namespace mirror::db
