#include "db/merge/content_checks.h"

namespace mirror::db {

std::vector<ContentCheck> list_content_checks(Connection& connection, std::int32_t limit) {
  const Result rows = connection.run(
      "SELECT m.id, f.id, f.version_rev, f.size, f.path, h.sha256 FROM file f "
      "JOIN hash h ON h.file_id = f.id AND h.version_rev = f.version_rev "
      "JOIN cohort c ON c.id = f.cohort_id "
      "JOIN mirror m ON m.enabled AND m.last_scan IS NOT NULL AND m.id <> ALL (c.mirrors) "
      "WHERE f.earlier_sizes IS NOT NULL AND f.gone_at IS NULL AND NOT f.pending AND h.sha256 IS "
      "NOT NULL AND EXISTS (SELECT FROM unnest(f.earlier_sizes, f.earlier_times) e (size, mtime) "
      "WHERE e.size = f.size AND (e.mtime = f.mtime OR NOT m.keeps_times)) "
      "ORDER BY f.version_rev DESC, f.id, m.id LIMIT $1",
      Params().int4(limit));
  std::vector<ContentCheck> checks(static_cast<std::size_t>(rows.rows()));
  for (int row = 0; row < rows.rows(); ++row) {
    ContentCheck& check = checks[static_cast<std::size_t>(row)];
    check.mirror = rows.int2(row, 0);
    check.file_id = rows.int8(row, 1);
    check.version_rev = rows.int8(row, 2);
    check.size_bytes = rows.int8(row, 3);
    check.path = rows.bytes(row, 4);
    check.sha256 = rows.bytes(row, 5);
  }
  return checks;
}

}  // namespace mirror::db
