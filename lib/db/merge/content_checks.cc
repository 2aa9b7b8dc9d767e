#include "db/merge/content_checks.h"

#include <fmt/format.h>

#include "db/merge/changes.h"
#include "db/merge/merge.h"
#include "db/mirror/time_keeping.h"

namespace mirror::db {
namespace {

constexpr int kMostRead = 2000;  // rows at a time

// $1 mirror, $2 and $3 the place, $4 the revision, $5 limit, $6 whether the mirror keeps times. The
// last row says how far it came.
std::string list_statement() {
  return fmt::format(
      "WITH piece AS MATERIALIZED (SELECT * FROM file WHERE size = ANY (earlier_sizes) AND "
      "(version_rev, id) < ($2, $3) AND version_rev > $4 ORDER BY version_rev DESC, id DESC LIMIT "
      "{0}), "
      "wanted AS (SELECT f.version_rev, f.id, f.size, f.path, h.mtimes, f.mtime, h.sha256 FROM "
      "piece f "
      "JOIN hash h ON h.file_id = f.id AND h.version_rev = f.version_rev AND h.sha256 IS NOT NULL "
      "JOIN cohort c ON c.id = f.cohort_id AND $1 <> ALL (c.mirrors) "
      "JOIN mirror m ON m.id = $1 AND m.last_scan IS NOT NULL "
      "AND (m.file_maxsize = 0 OR f.size <= m.file_maxsize) "
      "WHERE f.gone_at IS NULL AND NOT f.pending AND EXISTS (SELECT FROM "
      "unnest(f.earlier_sizes, f.earlier_times) e (size, mtime) WHERE e.size = f.size AND (NOT $6 "
      "OR e.mtime = f.mtime)) ORDER BY 1 DESC, 2 DESC LIMIT $5) "
      "SELECT version_rev, id, size, path, mtimes || mtime, sha256, true FROM wanted UNION ALL "
      "(SELECT version_rev, id, (SELECT count(*) FROM piece), '', '{{}}', '', false FROM piece "
      "ORDER "
      "BY "
      "1, 2 LIMIT 1) ORDER BY 7 DESC, 1 DESC, 2 DESC",
      kMostRead);
}

// As for listings: times count unless most are known to be others (mirror_compare.cc).
bool times_count(Connection& connection, MirrorId mirror) {
  const Result found = connection.run(
      "SELECT coalesce(keeps_times_share, 1) FROM mirror WHERE id = $1", Params().int2(mirror));
  return found.empty() || keeping_of(found.float8(0, 0)) != TimeKeeping::not_kept;
}

}  // namespace

ContentChecks list_content_checks(Connection& connection, MirrorId mirror, VersionPlace from,
                                  std::int64_t above_rev, std::int32_t limit) {
  const Result rows =
      connection.run(list_statement(), Params()
                                           .int2(mirror)
                                           .int8(from.version_rev)
                                           .int8(from.file_id)
                                           .int8(above_rev)
                                           .int4(limit)
                                           .boolean(times_count(connection, mirror)));
  ContentChecks found;
  found.next = from;
  if (rows.empty()) return found;
  const int last = rows.rows() - 1;  // how far it came
  for (int row = 0; row < last; ++row) {
    found.checks.push_back({rows.int8(row, 1), rows.int8(row, 0), rows.int8(row, 2),
                            std::string(rows.bytes(row, 3)), rows.int8_array(row, 4),
                            std::string(rows.bytes(row, 5))});
  }
  const bool full = last == limit;
  const int reached = full ? last - 1 : last;
  found.next = {rows.int8(reached, 0), rows.int8(reached, 1)};
  found.more = full || rows.int8(last, 2) == kMostRead;
  return found;
}

std::int64_t newest_look_alike(Connection& connection) {
  return connection
      .run(
          "SELECT coalesce((SELECT version_rev FROM file WHERE size = ANY (earlier_sizes) ORDER "
          "BY version_rev DESC, id DESC LIMIT 1), 0)")
      .int8(0, 0);
}

HashedVersions hashed_since(Connection& connection, std::int64_t above_rev) {
  Transaction snapshot(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ");
  HashedVersions hashed{.upto_rev = newest_rev(connection)};
  if (hashed.upto_rev > above_rev && noted_above(connection, above_rev)) {
    const Result found = connection.run(
        "SELECT coalesce(min(f.version_rev), 0), coalesce(max(f.version_rev), 0) FROM file f JOIN "
        "hash h ON h.file_id = f.id AND h.version_rev = f.version_rev WHERE f.size = ANY "
        "(f.earlier_sizes) AND h.sha256 IS NOT NULL AND h.rev > $1 AND " +
            changed_above(connection, above_rev, kFileOrHashRev),
        Params().int8(above_rev));
    hashed.oldest_rev = found.int8(0, 0);
    hashed.newest_rev = found.int8(0, 1);
  }
  snapshot.commit();
  return hashed;
}

}  // namespace mirror::db
