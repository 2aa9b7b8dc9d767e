// The texts of sql/, compiled in by sql/embed.awk.
#pragma once

#include <vector>

namespace mirror::db {

struct Migration {
  int version;       // that the database has afterwards
  const char* name;  // the file's name without .sql
  const char* sql;
};

extern const char* const kSchemaSql;
extern const char* const kGrantsSql;
const std::vector<Migration>& embedded_migrations();  // in order, from version 2 on

}  // namespace mirror::db
