// What the readers of other systems' databases share: rows as JSON, so that older and newer layouts
// are read alike.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

#include "pg/connection.h"

namespace mirror::moving {

bool has_table(db::Connection&, const std::string& table);
std::int64_t count_rows(db::Connection&, const std::string& table);  // 0: also without the table

// A row, with its columns by name.
class ForeignRow {
 public:
  explicit ForeignRow(nlohmann::json row) : row_(std::move(row)) {}
  // As text; "": null, or no such column.
  std::string text(const char* column) const;
  bool flag(const char* column) const { return text(column) == "true"; }

 private:
  nlohmann::json row_;
};

// All rows of `from`, which is a table's name or more of a FROM clause, of which the table is `t`.
std::vector<ForeignRow> read_rows(db::Connection&, const std::string& from);

}  // namespace mirror::moving
