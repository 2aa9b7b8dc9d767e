#include "db/probe/content_pieces.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "db/probe/probe_file_rows.h"

namespace mirror::db {
namespace {

constexpr std::int64_t kWholeBytes = 1 << 20;  // up to here a file is checked as a whole
constexpr std::int64_t kMaxPieceBytes = 8 << 20;
constexpr std::size_t kEnoughPieces = 4;  // that differ from each other
constexpr std::int64_t kCandidates = 16;  // of which these are taken

// What is known of the digests of a file.
struct KnownDigests {
  std::string sha256;
  std::int64_t piece_bytes = 0, pieces = 0;  // 0: none that can be used
};

KnownDigests known_digests(Connection& connection, const ProbeFile& file) {
  const Result known = connection.run(
      "SELECT coalesce(sha256, ''), coalesce(piece_bytes, 0), "
      "coalesce(octet_length(sha1_pieces), 0)::bigint FROM hash WHERE file_id = $1 AND version_rev "
      "= $2",
      Params().int8(file.id).int8(file.version_rev));
  if (known.empty()) return {};
  KnownDigests digests{std::string(known.bytes(0, 0)), known.int8(0, 1), known.int8(0, 2) / 20};
  const std::int64_t bytes = digests.piece_bytes;
  if (bytes == 0 || bytes > kMaxPieceBytes ||
      digests.pieces != (file.size_bytes + bytes - 1) / bytes)
    digests.piece_bytes = digests.pieces = 0;
  return digests;
}

// Those with these numbers, in that order; none if the digests are known no more.
std::vector<ContentPiece> pieces_of(Connection& connection, const ProbeFile& file,
                                    const KnownDigests& digests,
                                    const std::vector<std::int64_t>& numbers) {
  const Result rows = connection.run(
      "SELECT substring(h.sha1_pieces FROM (p.number * 20 + 1)::integer FOR 20) FROM hash h, "
      "unnest($3::bigint[]) WITH ORDINALITY p (number, place) WHERE h.file_id = $1 AND "
      "h.version_rev = $2 ORDER BY p.place",
      Params().int8(file.id).int8(file.version_rev).int8_array(numbers));
  std::vector<ContentPiece> pieces;
  for (int row = 0; row < rows.rows(); ++row) {
    if (rows.is_null(row, 0) || rows.bytes(row, 0).size() != 20) return {};
    const std::int64_t first = numbers[static_cast<std::size_t>(row)] * digests.piece_bytes;
    pieces.push_back({first, std::min(digests.piece_bytes, file.size_bytes - first),
                      std::string(rows.bytes(row, 0)), ""});
  }
  return pieces;
}

std::int64_t random_below(std::int64_t end, std::minstd_rand& random) {
  return std::uniform_int_distribution<std::int64_t>(0, end - 1)(random);
}

// Numbers of pieces: the last one, the first one, then others. The same ones each time: a mirror
// that is asked again and again must not be right by luck in the end.
std::vector<std::int64_t> candidates(const ProbeFile& file, std::int64_t pieces) {
  std::minstd_rand random(static_cast<std::minstd_rand::result_type>(file.id ^ file.version_rev));
  std::vector<std::int64_t> chosen;
  if (pieces > 0) chosen.push_back(pieces - 1);
  if (pieces > 1) chosen.push_back(0);
  const auto most = static_cast<std::size_t>(std::min<std::int64_t>(pieces, kCandidates));
  while (chosen.size() < most) {
    const std::int64_t which = random_below(pieces, random);
    if (std::find(chosen.begin(), chosen.end(), which) == chosen.end()) chosen.push_back(which);
  }
  return chosen;
}

}  // namespace

std::optional<ContentPiece> whole_piece(std::int64_t size_bytes, std::string_view sha256) {
  if (size_bytes == 0 || size_bytes > kWholeBytes || sha256.empty()) return std::nullopt;
  return ContentPiece{0, size_bytes, "", std::string(sha256)};
}

std::optional<ContentPiece> choose_piece(Connection& connection, const ProbeFile& file,
                                         std::minstd_rand& random) {
  const KnownDigests digests = known_digests(connection, file);
  if (auto whole = whole_piece(file.size_bytes, digests.sha256)) return whole;
  if (digests.pieces == 0) return std::nullopt;
  auto pieces = pieces_of(connection, file, digests, {random_below(digests.pieces, random)});
  return pieces.empty() ? std::nullopt : std::optional(std::move(pieces.front()));
}

std::vector<ContentPiece> choose_pieces(Connection& connection, const ProbeFile& file) {
  const KnownDigests digests = known_digests(connection, file);
  std::vector<ContentPiece> pieces;
  std::set<std::string> known;  // runs of zeros, say, are the same in all versions
  const auto numbers = candidates(file, digests.pieces);
  for (ContentPiece& piece : pieces_of(connection, file, digests, numbers)) {
    if (known.insert(piece.sha1).second) pieces.push_back(std::move(piece));
    if (pieces.size() == kEnoughPieces) break;
  }
  const auto wanted = std::min(static_cast<std::int64_t>(kEnoughPieces), digests.pieces);
  if (static_cast<std::int64_t>(pieces.size()) < wanted) pieces.clear();
  return pieces;
}

// The bound stands in the text, so that the index file_large, which has it too, can be used.
std::vector<std::int64_t> large_file_ids(Connection& connection) {
  const Result found =
      connection.run(fmt::format("SELECT f.id FROM file f WHERE f.size > {} AND {} LIMIT $1",
                                 kLargeBytes, kProbeServed),
                     Params().int4(kMostLarge));
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
      connection.run(fmt::format("SELECT f.id, f.version_rev FROM file f WHERE f.size > {} AND {}",
                                 kLargeBytes, has_probe_file()),
                     Params().int2(id));
  std::vector<FileOnMirror> files;
  for (int row = 0; row < found.rows(); ++row)
    files.push_back({id, found.int8(row, 0), found.int8(row, 1)});
  return files;
}

}  // namespace mirror::db
