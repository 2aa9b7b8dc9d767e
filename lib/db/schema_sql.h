// The texts of sql/, compiled in by sql/embed.awk.
#pragma once

#include <vector>

namespace mirror::db {

struct Migration {
  int version;       // that the database has afterwards
  const char* name;  // the file's name without .sql
  const char* sql;
  // The version that the oldest programs know which work with this one: the migration's own unless
  // it has a line `-- oldest program: N`.
  int oldest_program = version;
};

extern const char* const kSchemaSql;
extern const char* const kGrantsSql;
const std::vector<Migration>& embedded_migrations();  // in order, from version 2 on

}  // namespace mirror::db
