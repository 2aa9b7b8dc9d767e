#include "db/merge/temp_tables.h"

#include <fmt/format.h>

namespace mirror::db {

TempTables::TempTables(Connection& connection, std::initializer_list<Definition> tables)
    : connection_(connection) {
  std::string create;
  for (const Definition& table : tables) {
    drop_ +=
        fmt::format("{}pg_temp.{}", drop_.empty() ? "DROP TABLE IF EXISTS " : ", ", table.name);
    create += fmt::format("; CREATE TEMP TABLE {} ({})", table.name, table.columns);
  }
  connection_.script(drop_ + create);
}

TempTables::~TempTables() {
  if (connection_.broken()) return;
  try {
    connection_.script(drop_);
  } catch (const std::exception&) {
    // They go with the session, or when the next ones are made.
  }
}

}  // namespace mirror::db
