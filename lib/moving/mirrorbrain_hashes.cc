#include "moving/mirrorbrain_hashes.h"

#include <fmt/core.h>

#include "moving/databases.h"
#include "moving/moved_mirror.h"

namespace mirror::moving {
namespace {

// The old layout has Unix times, the new one keeps everything in one table.
constexpr const char* kOld =
    "SELECT f.path::text, h.size::bigint, h.mtime::bigint, h.md5, h.sha1, h.sha256 FROM filearr f "
    "JOIN hash h ON h.file_id = f.id WHERE f.path::text <> ''";
constexpr const char* kNew =
    "SELECT f.path::text, f.size::bigint, floor(extract(epoch FROM f.mtime))::bigint, f.md5, "
    "f.sha1, f.sha256 FROM files f WHERE f.path::text <> '' AND f.size IS NOT NULL "
    "AND f.mtime IS NOT NULL AND num_nonnulls(f.md5, f.sha1, f.sha256) > 0";

const char* query_for(db::Connection& connection) {
  if (has_table(connection, "filearr") && has_table(connection, "hash")) return kOld;
  const bool is_new =
      !connection
           .run(
               "SELECT FROM information_schema.columns WHERE table_schema = 'public' AND "
               "table_name = 'files' AND column_name = 'sha256'")
           .empty();
  if (!is_new) throw FormatError("has no hashes that are known here");
  return kNew;
}

std::string digest(const db::Result& rows, int row, int column, std::size_t bytes) {
  if (rows.is_null(row, column)) return "";
  const std::string_view value = rows.bytes(row, column);
  return value.size() == bytes ? std::string(value) : "";
}

}  // namespace

// All rows are read, so the plan should be the best one for all of them.
MirrorbrainHashes::MirrorbrainHashes(db::Connection& connection)
    : connection_(connection),
      transaction_(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") {
  connection_.script("SET LOCAL cursor_tuple_fraction = 1");
  connection_.run(std::string("DECLARE hashes NO SCROLL CURSOR FOR ") + query_for(connection_));
}

std::vector<MovedHash> MirrorbrainHashes::next(std::int32_t limit) {
  const db::Result rows = connection_.run(fmt::format("FETCH {} FROM hashes", limit));
  std::vector<MovedHash> hashes;
  for (int row = 0; row < rows.rows(); ++row) {
    hashes.push_back({std::string(rows.bytes(row, 0)), rows.maybe_int8(row, 1).value_or(-1),
                      rows.maybe_int8(row, 2).value_or(-1), digest(rows, row, 3, 16),
                      digest(rows, row, 4, 20), digest(rows, row, 5, 32)});
  }
  return hashes;
}

}  // namespace mirror::moving
