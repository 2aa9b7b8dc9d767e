#include "db/merge/newest_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "db/merge/changes.h"
#include "db/probe/fresh_files.h"
#include "db/probe/probe_file_rows.h"

namespace mirror::db {
namespace {

constexpr std::int64_t kFewFiles = 1'000'000;  // are all read where need be

bool are_few(Connection& connection) {
  return connection.run("SELECT coalesce(sum(n_files), 0)::bigint FROM cohort").int8(0, 0) <=
         kFewFiles;
}

// A query for the newest files `f` of `from`, at most $2. Their hashes are looked up when they are
// chosen: otherwise those of all files would be, before the sort.
std::string newest_of(std::string_view from) {
  return fmt::format(
      "SELECT {} FROM (SELECT f.* FROM {} ORDER BY f.version_rev DESC, random() LIMIT $2) f ORDER "
      "BY f.version_rev DESC",
      kProbeColumns, from);
}

// `more`: a condition on `file f`.
std::vector<ProbeFile> files_held(Connection& connection, MirrorId mirror, std::string_view more,
                                  std::int32_t limit) {
  std::vector<ProbeFile> files;
  std::int64_t rev = first_fresh_rev(connection);
  if (!are_few(connection)) {
    rev = std::max(rev, first_noted_rev(connection));
    if (!noted_above(connection, rev)) return files;
  }
  const Result rows =
      connection.run(newest_of(fmt::format("file f WHERE f.version_rev > $3 AND {} AND {}{}",
                                           changed_above(connection, rev), has_probe_file(), more)),
                     Params().int2(mirror).int4(limit).int8(rev));
  for (int row = 0; row < rows.rows(); ++row) files.push_back(read_probe_file(rows, row));
  return files;
}

std::vector<ProbeFile> files_gained(Connection& connection, MirrorId mirror, std::int32_t limit) {
  const Result rows =
      connection.run(newest_of(fmt::format(
                         "merge_changed m JOIN file f ON f.id = m.file_id WHERE NOT m.listed AND "
                         "{} AND {}",
                         kProbeServed, kProbeSize)),
                     Params().int2(mirror).int4(limit));
  std::vector<ProbeFile> files;
  for (int row = 0; row < rows.rows(); ++row) files.push_back(read_probe_file(rows, row));
  return files;
}

}  // namespace

std::vector<ProbeFile> newest_files(Connection& connection, MirrorId mirror, std::int32_t limit) {
  return files_held(connection, mirror, "", limit);
}

NewestFiles newest_after_merge(Connection& connection, MirrorId mirror, bool gained_only,
                               std::int32_t limit) {
  std::vector<ProbeFile> gained = files_gained(connection, mirror, limit), held;
  if (!gained_only) {
    held =
        files_held(connection, mirror,
                   " AND NOT EXISTS (SELECT FROM merge_changed m WHERE m.file_id = f.id)", limit);
  }
  NewestFiles newest;
  for (std::size_t i = 0; i < std::max(gained.size(), held.size()); ++i) {
    if (i < gained.size()) {
      newest.gained.insert(gained[i].id);
      newest.files.push_back(std::move(gained[i]));
    }
    if (i < held.size()) newest.files.push_back(std::move(held[i]));
  }
  if (newest.files.size() > static_cast<std::size_t>(limit))
    newest.files.resize(static_cast<std::size_t>(limit));
  return newest;
}

}  // namespace mirror::db
