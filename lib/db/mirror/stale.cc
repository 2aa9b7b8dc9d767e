#include "db/mirror/stale.h"

#include <fmt/format.h>

#include "core/readable.h"
#include "db/mirror/standing.h"

namespace mirror::db {
namespace {

// Rows of scans are kept for 90 days; from then on there is the mirror's own column.
constexpr const char* kOldScans =
    "WITH good AS (SELECT m.id, m.identifier, m.enabled, coalesce((SELECT max(s.ended) FROM scan s "
    "WHERE s.mirror_id = m.id AND s.subtree = '' AND s.outcome IN ('merged', 'unchanged')), "
    "m.last_scan) AS at FROM mirror m) "
    "SELECT id, identifier, extract(epoch FROM at)::bigint, enabled AND $1::float8 > 0 AND at IS "
    "NOT NULL "
    "AND extract(epoch FROM (SELECT max(at) FROM good) - at) > $1::float8, "
    "EXISTS (SELECT FROM doubt d WHERE d.mirror_id = good.id AND d.kind = 'stale') "
    "FROM good ORDER BY identifier";

// The same in each call, so that redirectors are not woken each time.
std::string reason_of(std::int64_t scanned_s) {
  return fmt::format("its last good scan was at {}, later ones failed or were not made",
                     utc_minute(scanned_s));
}

}  // namespace

std::vector<StaleChange> judge_stale(Connection& connection, double max_age_s) {
  const Result rows = connection.run(kOldScans, Params().float8(max_age_s));
  std::vector<StaleChange> changes;
  for (int row = 0; row < rows.rows(); ++row) {
    const bool is_stale = rows.boolean(row, 3), was_stale = rows.boolean(row, 4);
    if (!is_stale && !was_stale) continue;
    StaleChange change{std::string(rows.bytes(row, 1)), is_stale, ""};
    if (is_stale) change.reason = reason_of(rows.int8(row, 2));
    const bool changed =
        is_stale ? set_doubt(connection, rows.int2(row, 0), Standing::stale, change.reason)
                 : clear_doubt(connection, rows.int2(row, 0), Standing::stale);
    if (changed) changes.push_back(std::move(change));
  }
  return changes;
}

}  // namespace mirror::db
