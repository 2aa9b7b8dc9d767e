#include "db/status.h"

namespace mirror::db {
namespace {

// mirror_id NULL is the source. Scans of a mirror's subtree count as its last one, but not as good.
// The table is read twice, however many mirrors there are; no mirror has number 0.
constexpr const char* kScans =
    "WITH good AS (SELECT coalesce(mirror_id, 0) AS mirror_id, max(ended) AS at FROM scan "
    "WHERE subtree = '' AND outcome IN ('merged', 'unchanged') GROUP BY 1), "
    "last AS (SELECT DISTINCT ON (mirror_id) mirror_id, outcome, error FROM scan "
    "WHERE outcome NOT IN ('running', 'interrupted') ORDER BY mirror_id, started DESC, id DESC) "
    "SELECT last.mirror_id, outcome, error, extract(epoch FROM now() - good.at)::bigint FROM last "
    "LEFT JOIN good ON good.mirror_id = coalesce(last.mirror_id, 0)";

constexpr const char* kRest =
    "SELECT extract(epoch FROM now())::bigint, "
    "(SELECT extract(epoch FROM now() - max(checked))::bigint FROM health), "
    "(SELECT coalesce(sum(n_files), 0)::bigint FROM cohort), "
    "pg_database_size(current_database()), "
    "(SELECT setting::boolean AND source NOT IN ('user', 'database user', 'client', 'session') "
    "FROM pg_settings WHERE name = 'default_transaction_read_only') AND NOT pg_is_in_recovery()";

}  // namespace

Overview read_overview(Connection& connection) {
  Overview overview;
  const Result scans = connection.run(kScans);
  for (int row = 0; row < scans.rows(); ++row) {
    LastScan& scan = scans.is_null(row, 0) ? overview.source : overview.scans[scans.int2(row, 0)];
    scan.outcome = scans.bytes(row, 1);
    scan.error = scans.bytes(row, 2);
    scan.good = scans.maybe_int8(row, 3);
  }
  const Result rest = connection.run(kRest);
  overview.now_s = rest.int8(0, 0);
  overview.probed_age_s = rest.maybe_int8(0, 1);
  overview.files = rest.int8(0, 2);
  overview.database_bytes = rest.int8(0, 3);
  overview.read_only = rest.boolean(0, 4);
  return overview;
}

}  // namespace mirror::db
