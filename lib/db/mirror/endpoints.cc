#include "db/mirror/endpoints.h"

#include <fmt/format.h>

#include <algorithm>

namespace mirror::db {
namespace {

constexpr const char* kSelect = "SELECT mirror_id, method, url, options, priority FROM endpoint ";
// What tells most about the mirror's files comes first.
constexpr const char* kOrder =
    "ORDER BY mirror_id, priority, array_position(ARRAY['rsync', 's3', 'http', 'ftp', 'head'], "
    "method), method";

Endpoint read_endpoint(const Result& rows, int row) {
  return {.method = std::string(rows.bytes(row, 1)),
          .url = std::string(rows.bytes(row, 2)),
          .options = rows.text_array(row, 3),
          .priority = rows.int4(row, 4)};
}

constexpr const char* kSet =
    "INSERT INTO endpoint (mirror_id, method, {0}) VALUES ($1, $2, {1}) ON CONFLICT (mirror_id, "
    "method) DO UPDATE SET {0} = {2}";

}  // namespace

bool Endpoint::is_complete() const {
  return std::find(options.begin(), options.end(), kComplete) != options.end();
}

std::map<MirrorId, std::vector<Endpoint>> read_endpoints(Connection& connection) {
  const Result rows = connection.run(std::string(kSelect) + kOrder);
  std::map<MirrorId, std::vector<Endpoint>> endpoints;
  for (int row = 0; row < rows.rows(); ++row)
    endpoints[rows.int2(row, 0)].push_back(read_endpoint(rows, row));
  return endpoints;
}

std::vector<Endpoint> read_endpoints(Connection& connection, MirrorId id) {
  const Result rows =
      connection.run(std::string(kSelect) + "WHERE mirror_id = $1 " + kOrder, Params().int2(id));
  std::vector<Endpoint> endpoints;
  for (int row = 0; row < rows.rows(); ++row) endpoints.push_back(read_endpoint(rows, row));
  return endpoints;
}

void set_endpoint(Connection& connection, std::string_view column, const Params& values) {
  const std::string value = column == "options"
                                ? fmt::format(
                                      "excluded.options || array_remove(ARRAY[CASE WHEN "
                                      "'{}' = ANY (endpoint.options) THEN '{}' END], NULL)",
                                      kComplete, kComplete)
                                : fmt::format("excluded.{}", column);
  connection.run(fmt::format(kSet, column, "$3", value), values);
}

void set_complete(Connection& connection, const Params& values) {
  connection.run(
      fmt::format(
          kSet, "options", fmt::format("CASE WHEN $3 THEN ARRAY['{}'] ELSE '{{}}' END", kComplete),
          fmt::format("array_remove(endpoint.options, '{}') || excluded.options", kComplete)),
      values);
}

void drop_empty_endpoints(Connection& connection, MirrorId id) {
  connection.run("DELETE FROM endpoint WHERE mirror_id = $1 AND url = '' AND options = '{}'",
                 Params().int2(id));
}

}  // namespace mirror::db
