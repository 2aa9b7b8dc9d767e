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

// `more`: a condition on `file f`.
std::vector<ProbeFile> files_held(Connection& connection, MirrorId mirror, std::string_view more,
                                  std::int32_t limit) {
  std::vector<ProbeFile> files;
  const std::int64_t rev = first_fresh_rev(connection);
  if (!noted_above(connection, rev) && !are_few(connection)) return files;
  const Result rows = connection.run(
      fmt::format("SELECT {} FROM file f WHERE f.version_rev > $2 AND {} AND {}{} ORDER BY "
                  "f.version_rev DESC, f.id DESC LIMIT $3",
                  kProbeColumns, changed_above(connection, rev), has_probe_file(), more),
      Params().int2(mirror).int8(rev).int4(limit));
  for (int row = 0; row < rows.rows(); ++row) files.push_back(read_probe_file(rows, row));
  return files;
}

}  // namespace

std::vector<ProbeFile> newest_files(Connection& connection, MirrorId mirror, std::int32_t limit) {
  return files_held(connection, mirror, "", limit);
}

// Of files that appeared together, any.
std::vector<ProbeFile> newest_after_merge(Connection& connection, MirrorId mirror, bool gained_only,
                                          std::int32_t limit) {
  std::vector<ProbeFile> files;
  if (!gained_only) {
    files =
        files_held(connection, mirror,
                   " AND NOT EXISTS (SELECT FROM merge_changed m WHERE m.file_id = f.id)", limit);
  }
  const Result rows = connection.run(
      fmt::format("SELECT {} FROM merge_changed m JOIN file f ON f.id = m.file_id WHERE NOT "
                  "m.listed AND {} ORDER BY f.version_rev DESC, random() LIMIT $1",
                  kProbeColumns, kProbeServed),
      Params().int4(limit));
  for (int row = 0; row < rows.rows(); ++row) files.push_back(read_probe_file(rows, row));
  std::stable_sort(files.begin(), files.end(), [](const ProbeFile& one, const ProbeFile& other) {
    return one.version_rev > other.version_rev;
  });
  if (files.size() > static_cast<std::size_t>(limit)) files.resize(static_cast<std::size_t>(limit));
  return files;
}

}  // namespace mirror::db
