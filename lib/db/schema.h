// The schema's version and its migrations; the SQL itself is sql/schema.sql and sql/migrations/NNNN-*.sql, compiled in.
#pragma once

#include <string>
#include <vector>

#include "db/connection.h"

namespace mirror::db {

int known_schema_version();                      // what this program was built for
std::optional<int> schema_version(Connection&);  // nullopt: no schema in this database

// Creates everything in an empty database; leaves a database that has the current schema alone; throws Error for any other.
// Returns what it did, a line each.
std::vector<std::string> init_schema(Connection&);
// Applies the missing migrations, each in its own transaction, and says which.
std::vector<std::string> migrate_schema(Connection&);
// Throws Error naming both versions and what to do unless the database has exactly the known version.
void require_schema(Connection&);

}  // namespace mirror::db
