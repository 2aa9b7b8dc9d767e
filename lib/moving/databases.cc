#include "moving/databases.h"

#include <fmt/format.h>

#include "moving/moved_mirror.h"

namespace mirror::moving {

bool has_table(db::Connection& connection, const std::string& table) {
  return connection.run("SELECT to_regclass($1) IS NOT NULL", db::Params().text(table))
      .boolean(0, 0);
}

std::int64_t count_rows(db::Connection& connection, const std::string& table) {
  if (!has_table(connection, table)) return 0;
  return connection.run(fmt::format("SELECT count(*) FROM {}", table)).int8(0, 0);
}

std::string ForeignRow::text(const char* column) const {
  const auto found = row_.find(column);
  if (found == row_.end() || found->is_null()) return "";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

std::vector<ForeignRow> read_rows(db::Connection& connection, const std::string& from) {
  const db::Result result = connection.run(fmt::format("SELECT to_jsonb(t)::text FROM {}", from));
  std::vector<ForeignRow> rows;
  for (int row = 0; row < result.rows(); ++row) {
    nlohmann::json json = nlohmann::json::parse(result.bytes(row, 0), nullptr, false);
    if (!json.is_object())
      throw FormatError(
          fmt::format("a row of {} is not in UTF-8: has the database the right encoding?", from));
    rows.emplace_back(std::move(json));
  }
  return rows;
}

}  // namespace mirror::moving
