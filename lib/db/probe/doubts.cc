#include "db/probe/doubts.h"

namespace mirror::db {

std::vector<MirrorDoubt> all_doubts(Connection& connection) {
  const Result rows = connection.run(
      "SELECT m.id, m.identifier, d.kind, extract(epoch FROM d.since)::bigint FROM doubt d JOIN "
      "mirror m ON m.id = d.mirror_id");
  std::vector<MirrorDoubt> doubts;
  for (int row = 0; row < rows.rows(); ++row) {
    const auto kind = parse_doubt(rows.bytes(row, 2));
    if (!kind) continue;  // of a later version
    doubts.push_back(
        {rows.int2(row, 0), std::string(rows.bytes(row, 1)), *kind, rows.int8(row, 3)});
  }
  return doubts;
}

bool scanned_since(Connection& connection, MirrorId id, std::int64_t since_s) {
  return connection
      .run(
          "SELECT EXISTS (SELECT FROM scan WHERE mirror_id = $1 AND started > "
          "to_timestamp($2::double precision) AND subtree = '' AND outcome IN ('merged', "
          "'unchanged'))",
          Params().int2(id).float8(static_cast<double>(since_s)))
      .boolean(0, 0);
}

std::int64_t held_files(Connection& connection, MirrorId id) {
  return connection
      .run("SELECT coalesce(sum(n_files), 0)::bigint FROM cohort WHERE $1 = ANY (mirrors)",
           Params().int2(id))
      .int8(0, 0);
}

}  // namespace mirror::db
