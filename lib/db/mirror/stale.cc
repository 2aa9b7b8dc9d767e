#include "db/mirror/stale.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "core/path.h"
#include "core/readable.h"

namespace mirror::db {
namespace {

// Rows of scans are kept for 90 days; from then on there is the mirror's own column, and a mirror
// that is stale stays so without the row of the scan that failed.
constexpr const char* kOldScans =
    "WITH ended AS (SELECT mirror_id, max(ended) FILTER (WHERE outcome IN ('merged', 'unchanged')) "
    "AS good, max(ended) FILTER (WHERE outcome IN ('failed', 'refused')) AS bad FROM scan "
    "WHERE subtree = '' GROUP BY mirror_id), "
    "pace AS (SELECT mirror_id, "
    "extract(epoch FROM max(ended) - min(ended))::float8 / (count(*) - 1) AS interval_s "
    "FROM (SELECT mirror_id, ended, row_number() OVER (PARTITION BY mirror_id ORDER BY ended DESC) "
    "AS place FROM scan WHERE subtree = '' AND outcome IN ('merged', 'unchanged')) AS s "
    "WHERE place <= 10 GROUP BY mirror_id HAVING count(*) > 2), "
    "known AS (SELECT m.id, m.identifier, m.enabled, coalesce(e.good, m.last_scan) AS good, e.bad, "
    "coalesce($1::float8, greatest(43200, 3 * coalesce(3600 * nullif(m.scan_interval, '')::float8, "
    "p.interval_s, 86400))) AS most_s, "
    "EXISTS (SELECT FROM doubt d WHERE d.mirror_id = m.id AND d.kind = 'stale') AS was_stale "
    "FROM mirror m LEFT JOIN ended e ON e.mirror_id = m.id LEFT JOIN pace p ON p.mirror_id = m.id) "
    "SELECT id, identifier, extract(epoch FROM good)::bigint, coalesce(enabled AND most_s > 0 "
    "AND extract(epoch FROM (SELECT max(good) FROM known) - good) > most_s "
    "AND (was_stale OR bad > good), false), was_stale FROM known ORDER BY identifier";

// As of the last full scan that was good, and of the last reading: what nobody looked at since may
// be new in the meantime.
constexpr const char* kOldFiles =
    "SELECT m.id, m.identifier, m.enabled AND b.mirror_id IS NOT NULL, m.max_age, "
    "extract(epoch FROM coalesce((SELECT s.started FROM scan s WHERE s.mirror_id = m.id AND "
    "s.subtree = '' AND s.outcome IN ('merged', 'unchanged') ORDER BY s.started DESC LIMIT 1), "
    "m.last_scan) - b.since)::float8, extract(epoch FROM b.since)::bigint, "
    "b.old_files, b.of_files, d.mirror_id IS NOT NULL "
    "FROM mirror m LEFT JOIN behind b ON b.mirror_id = m.id "
    "LEFT JOIN doubt d ON d.mirror_id = m.id AND d.kind = 'files' "
    "WHERE b.mirror_id IS NOT NULL OR d.mirror_id IS NOT NULL ORDER BY m.identifier";

// $1: the instance's stamp_path, $2: whether the source has it.
constexpr const char* kOldStamps =
    "SELECT m.id, m.identifier, m.enabled AND s.at IS NOT NULL AND s.path = coalesce(nullif("
    "m.stamp_path, ''), $1) AND (k.known OR NOT $2), m.max_age, "
    "extract(epoch FROM s.asked - CASE WHEN k.known THEN n.at ELSE s.at END)::float8, "
    "s.path, extract(epoch FROM s.at)::bigint, extract(epoch FROM n.at)::bigint, "
    "d.mirror_id IS NOT NULL "
    "FROM mirror m LEFT JOIN stamp s ON s.mirror_id = m.id "
    "LEFT JOIN doubt d ON d.mirror_id = m.id AND d.kind = 'stamp' "
    "CROSS JOIN (SELECT EXISTS (SELECT FROM source_stamp WHERE path = $1) AS known) k "
    "CROSS JOIN LATERAL (SELECT min(at) AS at FROM source_stamp WHERE path = $1 AND at > s.at) n "
    "WHERE s.mirror_id IS NOT NULL OR d.mirror_id IS NOT NULL ORDER BY m.identifier";

// What one statement found of a mirror.
struct Judged {
  MirrorId id = 0;
  bool is_stale = false, was_stale = false;
  StaleChange change;
};

void settle(Connection& connection, Judged judged, std::vector<StaleChange>& changes) {
  if (!judged.is_stale && !judged.was_stale) return;
  judged.change.is_stale = judged.is_stale;
  const bool changed =
      judged.is_stale ? set_doubt(connection, judged.id, judged.change.kind, judged.change.reason)
                      : clear_doubt(connection, judged.id, judged.change.kind);
  if (changed) changes.push_back(std::move(judged.change));
}

// All reasons are the same in each call, so that redirectors are not woken each time.
void judge_scans(Connection& connection, const StaleLimits& limits,
                 std::vector<StaleChange>& changes) {
  Params params;
  limits.max_scan_age_s ? params.float8(*limits.max_scan_age_s) : params.null();
  const Result rows = connection.run(kOldScans, params);
  for (int row = 0; row < rows.rows(); ++row) {
    Judged judged{rows.int2(row, 0), rows.boolean(row, 3), rows.boolean(row, 4), {}};
    judged.change.mirror = rows.bytes(row, 1);
    if (judged.is_stale)
      judged.change.reason = fmt::format("its last good scan was at {}, later ones failed",
                                         utc_minute(rows.int8(row, 2)));
    settle(connection, std::move(judged), changes);
  }
}

bool is_too_old(const Result& rows, int row, const StaleLimits& limits) {
  const double limit_s = max_age_of(rows.bytes(row, 3), limits.max_age_s);
  return !rows.is_null(row, 2) && rows.boolean(row, 2) && limit_s > 0 && !rows.is_null(row, 4) &&
         rows.float8(row, 4) > limit_s;
}

void judge_files(Connection& connection, const StaleLimits& limits,
                 std::vector<StaleChange>& changes) {
  const Result rows = connection.run(kOldFiles);
  for (int row = 0; row < rows.rows(); ++row) {
    Judged judged{rows.int2(row, 0), is_too_old(rows, row, limits), rows.boolean(row, 8), {}};
    judged.change.mirror = rows.bytes(row, 1);
    judged.change.kind = DoubtKind::files;
    if (judged.is_stale)
      judged.change.reason = fmt::format(
          "it has {} of the {} files that changed last in an old version; the source has had newer "
          "ones since {}",
          rows.int4(row, 6), rows.int4(row, 7), utc_minute(rows.int8(row, 5)));
    settle(connection, std::move(judged), changes);
  }
}

std::string stamp_reason(const Result& rows, int row) {
  std::string reason = fmt::format("its stamp {} says {}", printable(rows.bytes(row, 5)),
                                   utc_minute(rows.int8(row, 6)));
  if (!rows.is_null(row, 7))
    reason += fmt::format("; the source's has been newer since {}", utc_minute(rows.int8(row, 7)));
  return reason;
}

void judge_stamps(Connection& connection, const StaleLimits& limits,
                  std::vector<StaleChange>& changes) {
  const Result rows =
      connection.run(kOldStamps, Params().text(limits.stamp_path).boolean(limits.source_has_stamp));
  for (int row = 0; row < rows.rows(); ++row) {
    Judged judged{rows.int2(row, 0), is_too_old(rows, row, limits), rows.boolean(row, 8), {}};
    judged.change.mirror = rows.bytes(row, 1);
    judged.change.kind = DoubtKind::stamp;
    if (judged.is_stale) judged.change.reason = stamp_reason(rows, row);
    settle(connection, std::move(judged), changes);
  }
}

}  // namespace

std::string StaleChange::words() const {
  if (is_stale) return "stale: " + reason;
  switch (kind) {
    case DoubtKind::stamp:
      return "its stamp does not make it stale any more";
    case DoubtKind::files:
      return "old files do not make it stale any more";
    default:
      return "its scans do not make it stale any more";
  }
}

std::vector<StaleChange> judge_stale(Connection& connection, const StaleLimits& limits) {
  std::vector<StaleChange> changes;
  judge_scans(connection, limits, changes);
  judge_files(connection, limits, changes);
  return changes;
}

std::vector<StaleChange> judge_behind(Connection& connection, const StaleLimits& limits) {
  std::vector<StaleChange> changes;
  judge_files(connection, limits, changes);
  judge_stamps(connection, limits, changes);
  return changes;
}

double max_age_of(std::string_view own, double instance_s) {
  if (own.empty()) return instance_s;
  double hours = 0;
  std::from_chars(own.data(), own.data() + own.size(), hours);
  return 3600 * hours;
}

}  // namespace mirror::db
