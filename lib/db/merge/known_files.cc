#include "db/merge/known_files.h"

#include <algorithm>

namespace mirror::db {
namespace {

constexpr const char* kFindFiles =
    "SELECT p.n, f.size, f.mtime, coalesce(f.earlier_sizes, '{}') "
    "FROM unnest($1::bytea[]) WITH ORDINALITY AS p (path, n) JOIN file f ON f.path = p.path "
    "WHERE f.kind = 'f' AND NOT f.staged";
constexpr const char* kFindDigests =
    "SELECT p.n, h.md5, h.sha1, h.sha256, h.sha512 FROM unnest($1::bytea[]) WITH ORDINALITY AS p "
    "(path, n) JOIN file f ON f.path = p.path JOIN hash h ON h.file_id = f.id AND h.version_rev = "
    "f.version_rev WHERE f.kind = 'f' AND NOT f.staged AND NOT f.pending";
constexpr const char* kFindContents =
    "SELECT p.n, f.size, f.mtime, coalesce(f.earlier_sizes, '{}'), coalesce(h.md5, '') FROM "
    "unnest($1::bytea[]) WITH ORDINALITY AS p (path, n) JOIN file f ON f.path = p.path AND f.path "
    ">= $2 AND f.path <= $3 LEFT JOIN hash h ON h.file_id = f.id AND h.version_rev = f.version_rev "
    "AND NOT f.pending WHERE f.kind = 'f' AND NOT f.staged AND (f.earlier_sizes IS NOT NULL OR "
    "h.md5 IS NOT NULL)";
// In the order of bytes, '/' follows '.', and 'S' follows 'R'. What lies deeper tells of a folder.
constexpr const char* kFindHidden =
    "SELECT DISTINCT ON (n, name, is_folder) n, name, is_folder, size, mtime, earlier FROM (SELECT "
    "p.n, CASE WHEN s.slash = 0 THEN t.tail ELSE substring(t.tail FROM 1 FOR s.slash - 1) END AS "
    "name, s.slash > 0 AS is_folder, h.is_whole, h.low, f.size, f.mtime, coalesce(f.earlier_sizes, "
    "'{}') AS earlier FROM unnest($1::bytea[]) WITH ORDINALITY AS p (path, n) "
    "CROSS JOIN (VALUES ('.'::bytea, '/'::bytea, false), ('README', 'READMF', false), ('HEADER', "
    "'HEADES', false), ('RCS', 'RCT', true), ('CVS', 'CVT', true)) AS h (low, high, is_whole) "
    "JOIN file f ON f.path >= p.path || h.low AND f.path < p.path || h.high "
    "CROSS JOIN LATERAL (SELECT substring(f.path FROM length(p.path) + 1) AS tail) t "
    "CROSS JOIN LATERAL (SELECT position('/'::bytea IN t.tail) AS slash) s "
    "WHERE f.kind = 'f' AND NOT f.staged) found WHERE NOT is_whole OR name = low ORDER BY n, name, "
    "is_folder";
// Of old versions that editors and RCS keep, and of troff's files. No index has the ends of names.
constexpr const char* kFindBackups =
    "SELECT f.path, f.size, f.mtime, coalesce(f.earlier_sizes, '{}') FROM file f WHERE (substring("
    "f.path FROM length(f.path)) IN ('~'::bytea, '#'::bytea) OR substring(f.path FROM "
    "greatest(length(f.path) - 1, 1)) IN (',v'::bytea, ',t'::bytea)) AND f.kind = 'f' AND NOT "
    "f.staged AND f.path > $1 AND f.path < $2 ORDER BY f.path LIMIT $3";
// The first row behind tells: a search for any one would read the whole table where there is none.
constexpr const char* kFindFolders =
    "SELECT p.n FROM unnest($1::bytea[]) WITH ORDINALITY AS p (path, n) WHERE (SELECT f.path < "
    "p.path || '0'::bytea FROM file f WHERE f.path > p.path || '/'::bytea ORDER BY f.path LIMIT 1)";
constexpr const char* kFindLinks =
    "SELECT p.n FROM unnest($1::bytea[]) WITH ORDINALITY AS p (path, n) JOIN file f ON f.path = "
    "p.path WHERE f.kind = 'l' AND NOT f.staged AND f.gone_at IS NULL";

std::size_t place(const Result& rows, int row) {
  return static_cast<std::size_t>(rows.int8(row, 0)) - 1;
}

// The planner knows nothing of how few rows lie between two paths.
Result run_by_index(Connection& connection, const char* sql,
                    const std::vector<std::string>& paths) {
  Transaction transaction(connection,
                          "BEGIN READ ONLY; SET LOCAL enable_seqscan = off; "
                          "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; "
                          "SET LOCAL enable_bitmapscan = off; SET LOCAL jit = off");
  Result rows = connection.run(sql, Params().bytes_array(paths));
  transaction.commit();
  return rows;
}

}  // namespace

std::vector<std::optional<KnownFile>> find_known_files(Connection& connection,
                                                       const std::vector<std::string>& paths) {
  std::vector<std::optional<KnownFile>> found(paths.size());
  if (paths.empty()) return found;
  const Result rows = run_by_index(connection, kFindFiles, paths);
  for (int row = 0; row < rows.rows(); ++row) {
    found[place(rows, row)] = {.size_bytes = rows.int8(row, 1),
                               .mtime_s = rows.int8(row, 2),
                               .earlier_sizes = rows.int8_array(row, 3)};
  }
  return found;
}

std::vector<std::optional<FileHashes>> find_known_digests(Connection& connection,
                                                          const std::vector<std::string>& paths) {
  std::vector<std::optional<FileHashes>> found(paths.size());
  if (paths.empty()) return found;
  const Result rows = connection.run(kFindDigests, Params().bytes_array(paths));
  for (int row = 0; row < rows.rows(); ++row) {
    FileHashes& hashes = found[place(rows, row)].emplace();
    hashes.md5 = rows.bytes(row, 1), hashes.sha1 = rows.bytes(row, 2);
    hashes.sha256 = rows.bytes(row, 3), hashes.sha512 = rows.bytes(row, 4);
  }
  return found;
}

std::vector<std::optional<KnownContent>> find_known_contents(
    Connection& connection, const std::vector<std::string>& paths) {
  std::vector<std::optional<KnownContent>> found(paths.size());
  if (paths.empty()) return found;
  // Where few other paths lie between the first and the last one, reading all is cheaper than a
  // descent for each; the planner can tell.
  const auto [first, last] = std::minmax_element(paths.begin(), paths.end());
  Transaction transaction(connection,
                          "BEGIN READ ONLY; SET LOCAL enable_seqscan = off; "
                          "SET LOCAL jit = off");
  const Result rows =
      connection.run(kFindContents, Params().bytes_array(paths).bytes(*first).bytes(*last));
  transaction.commit();
  for (int row = 0; row < rows.rows(); ++row) {
    found[place(rows, row)] = {.file = {.size_bytes = rows.int8(row, 1),
                                        .mtime_s = rows.int8(row, 2),
                                        .earlier_sizes = rows.int8_array(row, 3)},
                               .md5 = std::string(rows.bytes(row, 4))};
  }
  return found;
}

std::vector<HiddenFile> find_hidden_files(Connection& connection,
                                          const std::vector<std::string>& folders) {
  std::vector<std::string> beginnings;
  for (const std::string& folder : folders)
    beginnings.push_back(folder.empty() ? folder : folder + '/');
  const Result rows = run_by_index(connection, kFindHidden, beginnings);
  std::vector<HiddenFile> found;
  for (int row = 0; row < rows.rows(); ++row) {
    found.push_back({.folder = place(rows, row),
                     .name = std::string(rows.bytes(row, 1)),
                     .is_folder = rows.boolean(row, 2),
                     .file = {.size_bytes = rows.int8(row, 3),
                              .mtime_s = rows.int8(row, 4),
                              .earlier_sizes = rows.int8_array(row, 5)}});
  }
  return found;
}

std::vector<BackupFile> find_backup_files(Connection& connection, const std::string& folder,
                                          std::int32_t most) {
  const Result rows =
      connection.run(kFindBackups, Params()
                                       .bytes(folder.empty() ? "" : folder + '/')
                                       .bytes(folder.empty() ? "\xff\xff\xff\xff" : folder + '0')
                                       .int4(most));
  std::vector<BackupFile> found;
  for (int row = 0; row < rows.rows(); ++row) {
    found.push_back({.path = std::string(rows.bytes(row, 0)),
                     .file = {.size_bytes = rows.int8(row, 1),
                              .mtime_s = rows.int8(row, 2),
                              .earlier_sizes = rows.int8_array(row, 3)}});
  }
  return found;
}

std::vector<KnownFolder> find_known_folders(Connection& connection,
                                            const std::vector<std::string>& paths) {
  std::vector<KnownFolder> found(paths.size(), KnownFolder::none);
  const auto mark = [&](const char* sql, KnownFolder kind) {
    const Result rows = run_by_index(connection, sql, paths);
    for (int row = 0; row < rows.rows(); ++row) found[place(rows, row)] = kind;
  };
  if (!paths.empty()) mark(kFindFolders, KnownFolder::folder);
  if (std::find(found.begin(), found.end(), KnownFolder::none) != found.end())
    mark(kFindLinks, KnownFolder::link);
  return found;
}

}  // namespace mirror::db
