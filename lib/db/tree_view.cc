#include "db/tree_view.h"

namespace mirror::db {
namespace {

// The first path above all that begin with `prefix`, which ends in '/': '0' follows '/'.
std::string above(std::string prefix) {
  ++prefix.back();
  return prefix;
}

constexpr const char* kFolderSums = R"(
  WITH entry AS (
    SELECT f.cohort_id, f.size, substring(f.path FROM $3) AS name FROM file f
    WHERE f.kind = 'f' AND f.gone_at IS NULL AND NOT f.staged AND f.cohort_id IS NOT NULL
      AND f.path >= $1 AND ($2::bytea IS NULL OR f.path < $2)),
  part AS (
    SELECT CASE WHEN slash = 0 THEN ''::bytea ELSE substring(name FROM 1 FOR slash - 1) END AS folder, cohort_id,
           count(*) AS files, sum(size) AS bytes
    FROM (SELECT cohort_id, size, name, position('\x2f'::bytea IN name) AS slash FROM entry) AS e GROUP BY 1, 2),
  total AS (SELECT folder, sum(files) AS files, sum(bytes) AS bytes FROM part GROUP BY folder),
  held AS (
    SELECT p.folder, m.id, sum(p.files) AS files FROM part p JOIN cohort c ON c.id = p.cohort_id
    JOIN mirror m ON m.id = ANY (c.mirrors) AND m.enabled GROUP BY 1, 2)
  SELECT t.folder, t.files::bigint, t.bytes::bigint, count(h.id) FILTER (WHERE h.files = t.files), count(h.id)
  FROM total t LEFT JOIN held h ON h.folder = t.folder GROUP BY t.folder, t.files, t.bytes ORDER BY t.folder)";

constexpr const char* kHeldBelow = R"(
  WITH part AS (
    SELECT f.cohort_id, count(*) AS files, sum(f.size) AS bytes, bool_or(f.path = $3) AS own FROM file f
    WHERE f.kind = 'f' AND f.gone_at IS NULL AND NOT f.staged AND f.cohort_id IS NOT NULL
      AND ((f.path >= $1 AND ($2::bytea IS NULL OR f.path < $2)) OR f.path = $3)
    GROUP BY f.cohort_id)
  SELECT NULL::smallint, sum(files)::bigint, sum(bytes)::bigint, bool_or(own) FROM part HAVING count(*) > 0
  UNION ALL
  SELECT mirror_id, sum(p.files)::bigint, 0, false
  FROM part p JOIN cohort c ON c.id = p.cohort_id, unnest(c.mirrors) AS mirror_id GROUP BY mirror_id)";

constexpr const char* kOldVersion = R"(
  SELECT b.shown_sizes[place], b.shown_times[place] FROM behind b JOIN file f ON f.path = $2,
    LATERAL (SELECT array_position(b.shown, f.id) AS place) AS p
  WHERE b.mirror_id = $1 AND place IS NOT NULL)";

Params below(std::string_view folder) {
  Params params;
  const std::string prefix = folder.empty() ? "" : std::string(folder) + '/';
  params.bytes(prefix);
  prefix.empty() ? params.null() : params.bytes(above(prefix));
  return params;
}

}  // namespace

std::vector<FolderSum> folder_sums(Connection& connection, std::string_view folder) {
  Params params = below(folder);
  params.int4(static_cast<std::int32_t>(folder.empty() ? 1 : folder.size() + 2));
  const Result rows = connection.run(kFolderSums, params);
  std::vector<FolderSum> sums;
  for (int row = 0; row < rows.rows(); ++row) {
    sums.push_back({std::string(rows.bytes(row, 0)), rows.int8(row, 1), rows.int8(row, 2),
                    rows.int8(row, 3), rows.int8(row, 4)});
  }
  return sums;
}

HeldBelow held_below(Connection& connection, std::string_view path) {
  const Result rows = connection.run(kHeldBelow, below(path).bytes(path));
  HeldBelow held;
  for (int row = 0; row < rows.rows(); ++row) {
    if (!rows.is_null(row, 0)) {
      held.by_mirror[rows.int2(row, 0)] = rows.int8(row, 1);
      continue;
    }
    held.files = rows.int8(row, 1);
    held.size_bytes = rows.int8(row, 2);
    held.is_file = rows.boolean(row, 3);
  }
  return held;
}

std::optional<OldVersion> listed_old_version(Connection& connection, MirrorId mirror,
                                             std::string_view path) {
  const Result rows = connection.run(kOldVersion, Params().int2(mirror).bytes(path));
  if (rows.empty()) return std::nullopt;
  return OldVersion{rows.int8(0, 0), rows.int8(0, 1)};
}

std::vector<std::string> completions(Connection& connection, std::string_view begin,
                                     std::size_t most) {
  constexpr const char* kNext =
      "SELECT path FROM file WHERE path >= $1 AND NOT staged AND gone_at IS NULL ORDER BY path "
      "LIMIT 1";
  std::vector<std::string> found;
  std::string from(begin);
  while (found.size() < most) {
    const Result row = connection.run(kNext, Params().bytes(from));
    if (row.empty()) break;
    std::string path(row.bytes(0, 0));
    if (!path.starts_with(begin)) break;
    const std::size_t slash = path.find('/', begin.size());
    if (slash == path.npos) {
      from = path + '\0';
    } else {
      path.erase(slash + 1);
      from = above(path);
    }
    found.push_back(std::move(path));
  }
  return found;
}

std::optional<std::int64_t> newest_source_stamp(Connection& connection) {
  const Result rows =
      connection.run("SELECT extract(epoch FROM max(at))::bigint FROM source_stamp");
  return rows.maybe_int8(0, 0);
}

}  // namespace mirror::db
