#include "db/hash_rows.h"

#include <fmt/format.h>

namespace mirror::db {
namespace {

constexpr const char* kTargetColumns =
    "f.id, f.version_rev, f.path, f.size, f.mtime, f.staged, f.pending, h.ctime_ns, "
    "h.signature_ctime_ns, h.file_id IS NOT NULL, ";
constexpr const char* kTargets =
    " FROM file f LEFT JOIN hash h ON h.file_id = f.id AND h.version_rev = f.version_rev "
    "WHERE f.kind = 'f' AND f.gone_at IS NULL";

// The condition that something of the wanted kinds is not there. An empty file has no tree and no blocks.
std::string lacks(const HashKinds& kinds) {
  std::string condition = "(h.file_id IS NULL";
  const auto want = [&](bool wanted, const char* missing) {
    if (wanted) condition.append(" OR ").append(missing);
  };
  want(kinds.md5, "h.md5 IS NULL");
  want(kinds.sha1, "h.sha1 IS NULL");
  want(kinds.sha256, "h.sha256 IS NULL");
  want(kinds.sha512, "h.sha512 IS NULL");
  want(kinds.pieces, "h.btih_v1 IS NULL");
  want(kinds.merkle, "h.pieces_root IS NULL AND f.size > 0");
  want(kinds.pieces && kinds.merkle, "h.btmh IS NULL");
  want(kinds.zsync, "h.zsync_sums IS NULL AND f.size > 0");
  return condition + ")";
}

// Everything below `subtree`, and it itself.
std::string within(std::string_view subtree, Params& params) {
  if (subtree.empty()) return "";
  params.bytes(subtree).bytes(std::string(subtree) + '/').bytes(std::string(subtree) + char('/' + 1));
  return " AND (f.path = $1 OR f.path > $2 AND f.path < $3)";
}

std::optional<std::int64_t> maybe_int8(const Result& result, int row, int column) {
  if (result.is_null(row, column)) return std::nullopt;
  return result.int8(row, column);
}

std::vector<HashTarget> read_targets(const Result& result) {
  std::vector<HashTarget> targets(static_cast<std::size_t>(result.rows()));
  for (int row = 0; row < result.rows(); ++row) {
    HashTarget& target = targets[static_cast<std::size_t>(row)];
    target.file_id = result.int8(row, 0);
    target.version_rev = result.int8(row, 1);
    target.path = result.bytes(row, 2);
    target.size_bytes = result.int8(row, 3);
    target.mtime_s = result.int8(row, 4);
    target.staged = result.boolean(row, 5);
    target.pending = result.boolean(row, 6);
    target.ctime_ns = maybe_int8(result, row, 7);
    target.signature_ctime_ns = maybe_int8(result, row, 8);
    target.known = result.boolean(row, 9);
    target.lacks = result.boolean(row, 10);
  }
  return targets;
}

constexpr const char* kLoadFrom =
    " FROM file f JOIN hash h ON h.file_id = f.id AND h.version_rev = f.version_rev "
    "WHERE f.kind = 'f' AND ";

std::optional<FileHashes> only_row(const Result& result, HashParts parts) {
  if (result.empty()) return std::nullopt;
  return read_hashes(result, 0, 0, parts);
}

}  // namespace

const char* const kSmallHashes =
    "h.md5, h.sha1, h.sha256, h.sha512, h.piece_bytes, h.pieces_root, h.btih, h.btih_v1, h.btmh, "
    "h.zsync_block_bytes, h.zsync_seq_matches, h.zsync_rsum_bytes, h.zsync_md4_bytes, "
    "h.signature_kind";
const char* const kLargeHashes = ", h.sha1_pieces, h.piece_layer, h.zsync_sums, h.signature";

SignatureKind read_signature_kind(const Result& rows, int row, int column) {
  if (rows.is_null(row, column)) return SignatureKind::none;
  const std::string_view kind = rows.bytes(row, column);
  return kind == "a" ? SignatureKind::asc : kind == "s" ? SignatureKind::sig : SignatureKind::none;
}

FileHashes read_hashes(const Result& rows, int row, int first, HashParts parts) {
  int column = first;
  const auto bytes = [&](std::string& member) {
    if (!rows.is_null(row, column)) member = rows.bytes(row, column);
    ++column;
  };
  FileHashes hashes;
  for (std::string* digest : {&hashes.md5, &hashes.sha1, &hashes.sha256, &hashes.sha512}) bytes(*digest);
  hashes.piece_bytes = maybe_int8(rows, row, column++).value_or(0);
  for (std::string* digest : {&hashes.pieces_root, &hashes.btih, &hashes.btih_v1, &hashes.btmh}) bytes(*digest);
  ZsyncSums& zsync = hashes.zsync;
  for (std::int32_t* number : {&zsync.block_bytes, &zsync.seq_matches, &zsync.rsum_bytes, &zsync.md4_bytes}) {
    *number = rows.is_null(row, column) ? 0 : rows.int4(row, column);
    ++column;
  }
  hashes.signature_kind = read_signature_kind(rows, row, column++);
  if (parts == HashParts::small) return hashes;
  for (std::string* text : {&hashes.sha1_pieces, &hashes.piece_layer, &zsync.sums, &hashes.signature}) bytes(*text);
  return hashes;
}

std::vector<HashTarget> list_hash_targets(Connection& connection, std::string_view subtree, std::string_view after,
                                          const HashKinds& kinds, std::int32_t limit) {
  Params params;
  const std::string where = within(subtree, params);
  const int next = subtree.empty() ? 1 : 4;
  return read_targets(connection.run(fmt::format("SELECT {}{}{}{} AND f.path > ${} ORDER BY f.path LIMIT ${}", kTargetColumns,
                                                 lacks(kinds), kTargets, where, next, next + 1),
                                     params.bytes(after).int4(limit)));
}

std::vector<HashTarget> find_hash_targets(Connection& connection, const std::vector<std::int64_t>& file_ids,
                                          const HashKinds& kinds) {
  return read_targets(connection.run(fmt::format("SELECT {}{}{} AND f.id = ANY ($1)", kTargetColumns, lacks(kinds), kTargets),
                                     Params().int8_array(file_ids)));
}

std::vector<HashTarget> find_hash_targets(Connection& connection, const std::vector<std::string>& paths, const HashKinds& kinds) {
  return read_targets(connection.run(fmt::format("SELECT {}{}{} AND f.path = ANY ($1)", kTargetColumns, lacks(kinds), kTargets),
                                     Params().bytes_array(paths)));
}

HashBacklog hash_backlog(Connection& connection, std::string_view subtree, const HashKinds& kinds) {
  Params params;
  const std::string where = within(subtree, params);
  const Result result = connection.run(
      fmt::format("SELECT count(*), coalesce(sum(f.size), 0)::bigint{}{} AND (f.pending OR {})", kTargets, where, lacks(kinds)),
      params);
  return {result.int8(0, 0), result.int8(0, 1)};
}

// Advisory locks of one bigint are a key space of their own (locks.h has the other one): the file's id is the key.
std::vector<std::int64_t> claim_files(Connection& connection, const std::vector<std::int64_t>& file_ids) {
  const Result result = connection.run("SELECT id FROM unnest($1::bigint[]) AS id WHERE pg_try_advisory_lock(id)",
                                       Params().int8_array(file_ids), "claim_files");
  std::vector<std::int64_t> claimed;
  for (int row = 0; row < result.rows(); ++row) claimed.push_back(result.int8(row, 0));
  return claimed;
}

void release_files(Connection& connection, const std::vector<std::int64_t>& file_ids) {
  connection.run("SELECT count(pg_advisory_unlock(id)) FROM unnest($1::bigint[]) AS id", Params().int8_array(file_ids),
                 "release_files");
}

std::optional<FileHashes> load_hashes(Connection& connection, std::string_view path, HashParts parts) {
  static const std::string small =
      fmt::format("SELECT {}{}f.path = $1 AND NOT f.pending AND NOT f.staged", kSmallHashes, kLoadFrom);
  static const std::string all =
      fmt::format("SELECT {}{}{}f.path = $1 AND NOT f.pending AND NOT f.staged", kSmallHashes, kLargeHashes, kLoadFrom);
  const Params params = Params().bytes(path);
  return only_row(
      parts == HashParts::small ? connection.run(small, params, "load_small_hashes") : connection.run(all, params, "load_hashes"),
      parts);
}

std::optional<FileHashes> load_hashes(Connection& connection, std::int64_t file_id) {
  return only_row(
      connection.run(fmt::format("SELECT {}{}{}f.id = $1", kSmallHashes, kLargeHashes, kLoadFrom), Params().int8(file_id)),
      HashParts::all);
}

}  // namespace mirror::db
