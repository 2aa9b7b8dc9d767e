#include "db/former_versions.h"

#include <fmt/format.h>

#include <optional>

#include "core/path.h"
#include "db/mirror_ids.h"

namespace mirror::db {
namespace {

// $2 versions of an anchor, $3 seconds.
#define SELECT_NEWEST(from)                                                                       \
  "SELECT folder, path, size, mtime, floor(extract(epoch FROM replaced_at))::bigint, md5, sha1, " \
  "sha256, sha512, mirrors FROM (SELECT v.*, row_number() OVER (PARTITION BY v.folder, v.path "   \
  "ORDER BY v.replaced_at DESC, v.version_rev DESC) AS place FROM " from                          \
  " AND v.replaced_at < clock_timestamp() + $3 * interval '1 second') n WHERE place <= $2 ORDER " \
  "BY folder, path, place"

constexpr const char* kOfAnchor = SELECT_NEWEST("anchor_version v WHERE v.path = $1");
constexpr const char* kAboveRev = SELECT_NEWEST(
    "anchor_version v JOIN mutable_group g ON g.folder = v.folder WHERE g.rev > $1 AND g.anchored");
#undef SELECT_NEWEST

[[noreturn]] void cannot_be(const char* what) {
  throw Error(fmt::format("{} cannot be right", what), "22023");
}

std::string digest(const Result& rows, int row, int column, std::size_t bytes) {
  if (rows.is_null(row, column)) return "";
  std::string value(rows.bytes(row, column));
  if (value.size() != bytes) cannot_be("a digest's length");
  return value;
}

// Throws Error for what no merge writes.
FormerVersion read_version(const Result& rows, int row) {
  FormerVersion version;
  version.path = rows.bytes(row, 1);
  if (check_path(version.path) != PathFault::none ||
      parent_folder(version.path) != rows.bytes(row, 0))
    cannot_be("its path");
  version.size_bytes = rows.int8(row, 2);
  if (version.size_bytes < 0) cannot_be("its size");
  version.mtime_s = rows.int8(row, 3);
  version.replaced_s = rows.int8(row, 4);
  version.md5 = digest(rows, row, 5, 16);
  version.sha1 = digest(rows, row, 6, 20);
  version.sha256 = digest(rows, row, 7, 32);
  version.sha512 = digest(rows, row, 8, 64);
  if (version.md5.empty() && version.sha1.empty() && version.sha256.empty() &&
      version.sha512.empty())
    cannot_be("it has no digest, which");
  version.mirrors = mirrors_in(rows, row, 9);
  return version;
}

std::optional<FormerVersion> readable(const Result& rows, int row, UnreadableRows* unreadable) {
  try {
    return read_version(rows, row);
  } catch (const Error& error) {
    if (unreadable)
      unreadable->add(fmt::format("former version of '{}'", printable(rows.bytes(row, 1))),
                      error.what());
    return std::nullopt;
  }
}

Params newest(Params params) { return params.int8(kFormerVersions).int8(kFormerFuture_s); }

}  // namespace

std::vector<FormerVersion> load_former_versions(Connection& connection, std::string_view path,
                                                UnreadableRows* unreadable) {
  const Result rows =
      connection.run(kOfAnchor, newest(Params().bytes(path)), "load_former_versions");
  std::vector<FormerVersion> versions;
  for (int row = 0; row < rows.rows(); ++row) {
    if (auto version = readable(rows, row, unreadable)) versions.push_back(std::move(*version));
  }
  return versions;
}

std::vector<std::pair<std::string, FormerVersion>> former_versions_above(
    Connection& connection, std::int64_t rev, UnreadableRows& unreadable) {
  const Result rows = connection.run(kAboveRev, newest(Params().int8(rev)), "feed_former_versions");
  std::vector<std::pair<std::string, FormerVersion>> versions;
  for (int row = 0; row < rows.rows(); ++row) {
    if (auto version = readable(rows, row, &unreadable))
      versions.emplace_back(rows.bytes(row, 0), std::move(*version));
  }
  return versions;
}

}  // namespace mirror::db
