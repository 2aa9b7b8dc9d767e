#include "db/probe/content_pieces.h"

#include <fmt/format.h>

#include <algorithm>

#include "db/probe/probe_file_rows.h"

namespace mirror::db {
namespace {

constexpr std::int64_t kWholeBytes = 1 << 20;  // up to here a file is checked as a whole
constexpr std::int64_t kMaxPieceBytes = 8 << 20;

}  // namespace

std::optional<ContentPiece> choose_piece(Connection& connection, const ProbeFile& file,
                                         std::minstd_rand& random) {
  if (file.size_bytes == 0) return std::nullopt;
  const Result known = connection.run(
      "SELECT coalesce(sha256, ''), coalesce(piece_bytes, 0), "
      "coalesce(octet_length(sha1_pieces), 0)::bigint FROM hash WHERE file_id = $1 AND version_rev "
      "= $2",
      Params().int8(file.id).int8(file.version_rev));
  if (known.empty()) return std::nullopt;
  if (file.size_bytes <= kWholeBytes && !known.bytes(0, 0).empty())
    return ContentPiece{0, file.size_bytes, "", std::string(known.bytes(0, 0))};
  const std::int64_t piece_bytes = known.int8(0, 1), pieces = known.int8(0, 2) / 20;
  if (piece_bytes == 0 || piece_bytes > kMaxPieceBytes ||
      pieces != (file.size_bytes + piece_bytes - 1) / piece_bytes)
    return std::nullopt;
  const std::int64_t which = std::uniform_int_distribution<std::int64_t>(0, pieces - 1)(random);
  const Result digest = connection.run(
      "SELECT substring(sha1_pieces FROM $3::integer FOR 20) FROM hash WHERE file_id = $1 AND "
      "version_rev = $2",
      Params().int8(file.id).int8(file.version_rev).int8(which * 20 + 1));
  if (digest.empty() || digest.is_null(0, 0) || digest.bytes(0, 0).size() != 20)
    return std::nullopt;
  const std::int64_t first = which * piece_bytes;
  return ContentPiece{first, std::min(piece_bytes, file.size_bytes - first),
                      std::string(digest.bytes(0, 0)), ""};
}

std::vector<std::int64_t> large_file_ids(Connection& connection) {
  const Result found = connection.run(
      fmt::format("SELECT f.id FROM file f WHERE f.size > $1 AND {} LIMIT $2", kProbeServed),
      Params().int8(kLargeBytes).int4(kMostLarge));
  std::vector<std::int64_t> ids;
  for (int row = 0; row < found.rows(); ++row) ids.push_back(found.int8(row, 0));
  return ids;
}

std::optional<ProbeFile> choose_large_file(Connection& connection, MirrorId id,
                                           const std::vector<std::int64_t>& file_ids) {
  if (file_ids.empty()) return std::nullopt;
  const Result found =
      connection.run(fmt::format("SELECT {} FROM file f WHERE f.id = ANY ($2) AND f.size > $3 AND "
                                 "{} ORDER BY random() LIMIT 1",
                                 kProbeColumns, has_probe_file()),
                     Params().int2(id).int8_array(file_ids).int8(kLargeBytes));
  if (found.empty()) return std::nullopt;
  return read_probe_file(found, 0);
}

std::vector<FileOnMirror> large_files(Connection& connection, MirrorId id) {
  const Result found =
      connection.run(fmt::format("SELECT f.id, f.version_rev FROM file f WHERE f.size > $2 AND {}",
                                 has_probe_file()),
                     Params().int2(id).int8(kLargeBytes));
  std::vector<FileOnMirror> files;
  for (int row = 0; row < found.rows(); ++row)
    files.push_back({id, found.int8(row, 0), found.int8(row, 1)});
  return files;
}

}  // namespace mirror::db
