#include "db/table_sizes.h"

#include <fmt/format.h>

#include "db/schema.h"

namespace mirror::db {

std::vector<TableSize> table_sizes(Connection& connection) {
  const Result rows = connection.run(
      "SELECT c.relname::text, reltuples::float8, coalesce(n_dead_tup, 0), pg_table_size(c.oid), "
      "pg_indexes_size(c.oid) FROM pg_class c LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid "
      "WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace "
      "ORDER BY pg_total_relation_size(c.oid) DESC, 1");
  std::vector<TableSize> sizes;
  for (int row = 0; row < rows.rows(); ++row) {
    sizes.push_back({.name = std::string(rows.bytes(row, 0)),
                     .rows = static_cast<std::int64_t>(rows.float8(row, 1)),
                     .dead_rows = rows.int8(row, 2),
                     .bytes = rows.int8(row, 3),
                     .index_bytes = rows.int8(row, 4)});
  }
  return sizes;
}

std::int64_t database_bytes(Connection& connection) {
  return connection.run("SELECT pg_database_size(current_database())").int8(0, 0);
}

void vacuum(Connection& connection, const std::string& table, bool whole) {
  require_owner(connection);  // the server would only warn
  const Result quoted = connection.run("SELECT quote_ident($1::text)", Params().text(table));
  connection.script(
      fmt::format("VACUUM ({}ANALYZE) {}", whole ? "FULL, " : "", quoted.bytes(0, 0)));
}

}  // namespace mirror::db
