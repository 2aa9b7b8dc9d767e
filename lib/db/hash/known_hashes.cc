#include "db/hash/hash_rows.h"

#include <fmt/format.h>

namespace mirror::db {
namespace {

constexpr const char* kTargetColumns =
    "f.id, f.version_rev, f.path, f.size, f.mtime, f.staged, f.pending, h.ctime_ns, "
    "h.signature_ctime_ns, h.file_id IS NOT NULL, ";
constexpr const char* kTargets =
    " FROM file f LEFT JOIN hash h ON h.file_id = f.id AND h.version_rev = f.version_rev "
    "WHERE f.kind = 'f' AND f.gone_at IS NULL";

// The condition that something of the wanted kinds is not there. An empty file has no tree and no
// blocks.
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
  params.bytes(subtree)
      .bytes(std::string(subtree) + '/')
      .bytes(std::string(subtree) + char('/' + 1));
  return " AND (f.path = $1 OR f.path > $2 AND f.path < $3)";
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
    target.ctime_ns = result.maybe_int8(row, 7);
    target.signature_ctime_ns = result.maybe_int8(row, 8);
    target.known = result.boolean(row, 9);
    target.lacks = result.boolean(row, 10);
  }
  return targets;
}

constexpr const char* kLoadFrom =
    " FROM file f JOIN hash h ON h.file_id = f.id AND h.version_rev = f.version_rev "
    "WHERE f.kind = 'f' AND ";
constexpr std::int32_t kSliceBytes = 1 << 20;

std::string load_sql(HashParts parts, std::string_view condition) {
  return fmt::format("SELECT {}{}{}{}", kSmallHashes,
                     parts <= HashParts::digests ? "" : kLargeHashes, kLoadFrom, condition);
}

std::optional<FileHashes> load(Connection& connection, const std::string& sql, const Params& params,
                               const char* name, HashParts parts) {
  std::optional<FileHashes> hashes;
  std::int64_t file_id = 0, version_rev = 0;
  {
    const Result result = connection.run(sql, params, name);
    if (result.empty()) return std::nullopt;
    hashes = read_hashes(result, 0, 0, parts);
    file_id = result.int8(0, kHashFileId);
    version_rev = result.int8(0, kHashVersionRev);
  }
  if (parts == HashParts::all && hashes->zsync.block_bytes > 0)
    load_zsync_sums(connection, file_id, version_rev, hashes->zsync);
  return hashes;
}

}  // namespace

const char* const kSmallHashes =
    "h.md5, h.sha1, h.sha256, h.sha512, h.piece_bytes, h.pieces_root, h.btih, h.btih_v1, h.btmh, "
    "h.zsync_block_bytes, h.zsync_seq_matches, h.zsync_rsum_bytes, h.zsync_md4_bytes, "
    "octet_length(h.zsync_sums) = ceil(f.size::numeric / h.zsync_block_bytes) "
    " * (h.zsync_rsum_bytes + h.zsync_md4_bytes), h.signature_kind, h.file_id, h.version_rev, "
    "octet_length(h.sha1_pieces), octet_length(h.piece_layer)";
const char* const kLargeHashes = ", h.sha1_pieces, h.piece_layer, h.signature";

FileHashes read_hashes(const Result& rows, int row, int first, HashParts parts) {
  const auto bytes = [&](int column) {
    return rows.is_null(row, first + column) ? std::string()
                                             : std::string(rows.bytes(row, first + column));
  };
  const auto number = [&](int column) { return rows.int4(row, first + column); };
  const auto length = [&](int column) {
    return static_cast<std::size_t>(
        rows.is_null(row, first + column) ? 0 : rows.int4(row, first + column));
  };
  FileHashes hashes;
  hashes.md5 = bytes(0);
  hashes.sha1 = bytes(1);
  hashes.sha256 = bytes(2);
  hashes.sha512 = bytes(3);
  hashes.piece_bytes = rows.maybe_int8(row, first + 4).value_or(0);
  hashes.pieces_root = bytes(5);
  hashes.btih = bytes(6);
  hashes.btih_v1 = bytes(7);
  hashes.btmh = bytes(8);
  if (!rows.is_null(row, first + 13) && rows.boolean(row, first + 13)) {
    hashes.zsync = {number(9), number(10), number(11), number(12), {}};
  }
  hashes.signature_kind = read_signature_kind(rows, row, first + 14);
  if (parts <= HashParts::digests) {
    hashes.sha1_pieces_bytes = length(17);
    hashes.piece_layer_bytes = length(18);
    return hashes;
  }
  hashes.sha1_pieces = bytes(kSmallHashesColumns);
  hashes.piece_layer = bytes(kSmallHashesColumns + 1);
  hashes.signature = bytes(kSmallHashesColumns + 2);
  return hashes;
}

SignatureKind read_signature_kind(const Result& rows, int row, int column) {
  if (rows.is_null(row, column)) return SignatureKind::none;
  const std::string_view kind = rows.bytes(row, column);
  return kind == "a" ? SignatureKind::asc : kind == "s" ? SignatureKind::sig : SignatureKind::none;
}

// A slice at a time. A file that is hashed again in the meantime has none.
void load_zsync_sums(Connection& connection, std::int64_t file_id, std::int64_t version_rev,
                     ZsyncSums& zsync) {
  for (;;) {
    const Result result = connection.run(
        "SELECT substring(zsync_sums FROM $3 FOR $4), octet_length(zsync_sums) FROM hash WHERE "
        "file_id = $1 AND version_rev = $2",
        Params()
            .int8(file_id)
            .int8(version_rev)
            .int4(static_cast<std::int32_t>(zsync.sums.size()) + 1)
            .int4(kSliceBytes),
        "load_zsync_sums");
    if (result.empty() || result.is_null(0, 1)) break;
    const auto whole = static_cast<std::size_t>(result.int4(0, 1));
    zsync.sums.reserve(whole);
    const std::string_view slice = result.bytes(0, 0);
    zsync.sums += slice;
    if (zsync.sums.size() == whole) return;
    if (slice.empty()) break;
  }
  zsync = {};
}

std::vector<HashTarget> list_hash_targets(Connection& connection, std::string_view subtree,
                                          std::string_view after, const HashKinds& kinds,
                                          std::int32_t limit, bool pending_only) {
  Params params;
  const std::string where = within(subtree, params).append(pending_only ? " AND f.pending" : "");
  const int next = subtree.empty() ? 1 : 4;
  return read_targets(
      connection.run(fmt::format("SELECT {}{}{}{} AND f.path > ${} ORDER BY f.path LIMIT ${}",
                                 kTargetColumns, lacks(kinds), kTargets, where, next, next + 1),
                     params.bytes(after).int4(limit)));
}

std::vector<HashTarget> find_hash_targets(Connection& connection,
                                          const std::vector<std::int64_t>& file_ids,
                                          const HashKinds& kinds) {
  return read_targets(connection.run(
      fmt::format("SELECT {}{}{} AND f.id = ANY ($1)", kTargetColumns, lacks(kinds), kTargets),
      Params().int8_array(file_ids)));
}

std::vector<HashTarget> find_hash_targets(Connection& connection,
                                          const std::vector<std::string>& paths,
                                          const HashKinds& kinds) {
  return read_targets(connection.run(
      fmt::format("SELECT {}{}{} AND f.path = ANY ($1)", kTargetColumns, lacks(kinds), kTargets),
      Params().bytes_array(paths)));
}

HashBacklog hash_backlog(Connection& connection, std::string_view subtree, const HashKinds& kinds,
                         bool known) {
  Params params;
  const std::string where = within(subtree, params);
  const Result result =
      connection.run(fmt::format("SELECT count(*), least(coalesce(sum(f.size), 0), "
                                 "9223372036854775807)::bigint{}{} AND (f.pending OR {})",
                                 kTargets, where, known ? "true" : lacks(kinds)),
                     params);
  return {result.int8(0, 0), result.int8(0, 1)};
}

// Advisory locks of one bigint are a key space of their own (locks.h has the other one): the file's
// id is the key. Every role may take them, so a file is ours too if only a session without the
// right to store hashes holds its lock. Such a holder must be visible: PostgreSQL reads pg_locks
// once, so a claim of another mb-hash may be newer than what was read.
constexpr const char* kClaim =
    "SELECT id FROM unnest($1::bigint[]) AS id WHERE pg_try_advisory_lock(id) OR id IN ("
    "SELECT k.classid::bigint << 32 | k.objid::bigint "
    "FROM pg_locks k JOIN pg_stat_activity a USING (pid) "
    "WHERE k.locktype = 'advisory' AND k.objsubid = 1 AND k.granted AND k.database = a.datid "
    "AND a.datname = current_database() GROUP BY 1 "
    "HAVING NOT bool_or(has_table_privilege(a.usesysid, 'hash', 'UPDATE')))";

std::vector<std::int64_t> claim_files(Connection& connection,
                                      const std::vector<std::int64_t>& file_ids) {
  const Result result = connection.run(kClaim, Params().int8_array(file_ids), "claim_files");
  std::vector<std::int64_t> claimed;
  for (int row = 0; row < result.rows(); ++row) claimed.push_back(result.int8(row, 0));
  return claimed;
}

void release_files(Connection& connection, const std::vector<std::int64_t>& file_ids) {
  connection.run("SELECT count(pg_advisory_unlock(id)) FROM unnest($1::bigint[]) AS id",
                 Params().int8_array(file_ids), "release_files");
}

std::optional<FileHashes> load_hashes(Connection& connection, std::string_view path,
                                      HashParts parts) {
  constexpr const char* kShown = "f.path = $1 AND NOT f.pending AND NOT f.staged";
  static const std::string digests = load_sql(HashParts::digests, kShown),
                           more = load_sql(HashParts::pieces, kShown);
  const bool small = parts <= HashParts::digests;
  return load(connection, small ? digests : more, Params().bytes(path),
              small ? "load_digests" : "load_hashes", parts);
}

std::string load_zsync_part(Connection& connection, std::string_view path, std::string_view sha1,
                            std::int64_t offset, std::int32_t count) {
  const Result result = connection.run(
      "SELECT substring(h.zsync_sums FROM $3 FOR $4) FROM file f JOIN hash h ON h.file_id = f.id "
      "AND h.version_rev = f.version_rev WHERE f.kind = 'f' AND f.path = $1 AND NOT f.pending AND "
      "NOT f.staged AND h.sha1 = $2",
      Params().bytes(path).bytes(sha1).int4(static_cast<std::int32_t>(offset + 1)).int4(count),
      "load_zsync_part");
  return result.empty() || result.is_null(0, 0) ? "" : std::string(result.bytes(0, 0));
}

std::optional<FileHashes> load_hashes(Connection& connection, std::int64_t file_id) {
  static const std::string sql = load_sql(HashParts::all, "f.id = $1");
  return load(connection, sql, Params().int8(file_id), "load_hashes_by_id", HashParts::all);
}

}  // namespace mirror::db
