#include "db/probe/demand.h"

namespace mirror::db {

std::map<std::int64_t, double> read_demand(Connection& connection, std::int32_t most) {
  const Result rows = connection.run(
      "SELECT d.file_id, demand_now(d.requests, d.at) FROM demand d ORDER BY 2 DESC LIMIT $1",
      Params().int4(most));
  std::map<std::int64_t, double> demand;
  for (int row = 0; row < rows.rows(); ++row) demand[rows.int8(row, 0)] = rows.float8(row, 1);
  return demand;
}

}  // namespace mirror::db
