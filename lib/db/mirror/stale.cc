#include "db/mirror/stale.h"

#include <fmt/format.h>

#include "core/readable.h"
#include "db/mirror/standing.h"

namespace mirror::db {
namespace {

// Rows of scans are kept for 90 days; from then on there is the mirror's own column, and a mirror
// that is stale stays so without the row of the scan that failed.
constexpr const char* kOldScans =
    "WITH ended AS (SELECT mirror_id, max(ended) FILTER (WHERE outcome IN ('merged', 'unchanged')) "
    "AS good, max(ended) FILTER (WHERE outcome IN ('failed', 'refused')) AS bad FROM scan "
    "WHERE subtree = '' GROUP BY mirror_id), "
    "known AS (SELECT m.id, m.identifier, m.enabled, coalesce(e.good, m.last_scan) AS good, e.bad, "
    "EXISTS (SELECT FROM doubt d WHERE d.mirror_id = m.id AND d.kind = 'stale') AS was_stale "
    "FROM mirror m LEFT JOIN ended e ON e.mirror_id = m.id) "
    "SELECT id, identifier, extract(epoch FROM good)::bigint, coalesce(enabled AND $1::float8 > 0 "
    "AND extract(epoch FROM (SELECT max(good) FROM known) - good) > $1::float8 "
    "AND (was_stale OR bad > good), false), was_stale FROM known ORDER BY identifier";

// The same in each call, so that redirectors are not woken each time.
std::string reason_of(std::int64_t scanned_s) {
  return fmt::format("its last good scan was at {}, later ones failed", utc_minute(scanned_s));
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
        is_stale ? set_doubt(connection, rows.int2(row, 0), DoubtKind::scans, change.reason)
                 : clear_doubt(connection, rows.int2(row, 0), DoubtKind::scans);
    if (changed) changes.push_back(std::move(change));
  }
  return changes;
}

}  // namespace mirror::db
