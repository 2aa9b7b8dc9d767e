#include "db/former_versions.h"

#include <algorithm>

namespace mirror::db {
namespace {

#define COLUMNS                                                                                  \
  "v.folder, v.path, v.size, v.mtime, floor(extract(epoch FROM v.replaced_at))::bigint, v.md5, " \
  "v.sha1, v.sha256, v.sha512, v.mirrors"
#define NEWEST_FIRST "v.replaced_at DESC, v.version_rev DESC"

FormerVersion read_version(const Result& rows, int row) {
  const auto digest = [&](int column) {
    return rows.is_null(row, column) ? std::string() : std::string(rows.bytes(row, column));
  };
  FormerVersion version;
  version.path = rows.bytes(row, 1);
  version.size_bytes = rows.int8(row, 2);
  version.mtime_s = rows.int8(row, 3);
  version.replaced_s = rows.int8(row, 4);
  version.md5 = digest(5);
  version.sha1 = digest(6);
  version.sha256 = digest(7);
  version.sha512 = digest(8);
  version.mirrors = rows.int2_array(row, 9);
  std::sort(version.mirrors.begin(), version.mirrors.end());
  return version;
}

}  // namespace

std::vector<FormerVersion> load_former_versions(Connection& connection, std::string_view path) {
  const Result rows = connection.run("SELECT " COLUMNS
                                     " FROM anchor_version v WHERE v.path = $1 AND v.replaced_at "
                                     "IS NOT NULL ORDER BY " NEWEST_FIRST,
                                     Params().bytes(path), "load_former_versions");
  std::vector<FormerVersion> versions;
  for (int row = 0; row < rows.rows(); ++row) versions.push_back(read_version(rows, row));
  return versions;
}

std::vector<std::pair<std::string, FormerVersion>> former_versions_above(Connection& connection,
                                                                         std::int64_t rev) {
  const Result rows = connection.run(
      "SELECT " COLUMNS
      " FROM anchor_version v JOIN mutable_group g ON g.folder = v.folder WHERE g.rev > $1 AND "
      "g.anchored AND v.replaced_at IS NOT NULL ORDER BY v.folder, v.path, " NEWEST_FIRST,
      Params().int8(rev), "feed_former_versions");
  std::vector<std::pair<std::string, FormerVersion>> versions;
  for (int row = 0; row < rows.rows(); ++row)
    versions.emplace_back(rows.bytes(row, 0), read_version(rows, row));
  return versions;
}

}  // namespace mirror::db
