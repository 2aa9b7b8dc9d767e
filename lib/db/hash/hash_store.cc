// Storing what mb-hash has found: staged by COPY, judged and merged in one short transaction under
// the merge lock.
#include <fmt/format.h>

#include "db/hash/known_hashes.h"
#include "db/merge/earlier_versions.h"
#include "db/merge/merge.h"
#include "db/merge/staging.h"

namespace mirror::db {
namespace {

// The columns of hash that come from reading the file itself, with the types they have there.
struct HashColumn {
  const char* name;
  const char* type;
};
constexpr HashColumn kContent[] = {
    {"md5", "bytea"},
    {"sha1", "bytea"},
    {"sha256", "bytea"},
    {"sha512", "bytea"},
    {"piece_bytes", "bigint"},
    {"sha1_pieces", "bytea"},
    {"pieces_root", "bytea"},
    {"piece_layer", "bytea"},
    {"btih", "bytea"},
    {"btih_v1", "bytea"},
    {"btmh", "bytea"},
    {"zsync_block_bytes", "integer"},
    {"zsync_seq_matches", "integer"},
    {"zsync_rsum_bytes", "integer"},
    {"zsync_md4_bytes", "integer"},
    {"zsync_sums", "bytea"},
};
constexpr HashColumn kSignature[] = {
    {"signature_kind", "\"char\""}, {"signature", "bytea"}, {"signature_ctime_ns", "bigint"}};

// How many times of one version are remembered; a file that is touched every day must not grow
// without end.
constexpr int kMaxTimes = 100;

template <std::size_t N>
std::string each(const HashColumn (&columns)[N], const char* pattern) {
  std::string out;
  for (const HashColumn& column : columns)
    out += fmt::format(fmt::runtime(pattern), column.name, column.type);
  return out;
}

// Both have an index, so that with use_indexes() no table need be read in order: one such step
// weighs so much that the planner sees no difference any more between asking the file table a few
// hundred times and reading all of it. A commit empties them in place, where TRUNCATE would make
// new files for them.
void create_tables(Connection& connection) {
  if (!connection.run("SELECT WHERE to_regclass('pg_temp.hash_result') IS NOT NULL").empty())
    return;
  const auto wide = [](std::string_view type) {
    return type == "integer" ? std::string_view("bigint") : type;
  };
  std::string columns;
  for (const HashColumn& column : kContent)
    columns += fmt::format(", {} {}", column.name, wide(column.type));
  connection.script(
      "CREATE TEMP TABLE hash_result (file_id bigint PRIMARY KEY, version_rev bigint, size bigint, "
      "mtime bigint, "
      "ctime_ns bigint" +
      columns + each(kSignature, ", {} {}") +
      ") ON COMMIT DELETE ROWS;"
      "CREATE TEMP TABLE hash_verdict (file_id bigint PRIMARY KEY, cohort_id bigint, stale "
      "boolean, fresh boolean, told boolean, "
      "other boolean, alters boolean, news boolean) ON COMMIT DELETE ROWS");
}

// An empty value is one that is not known, except the pieces of an empty file.
void put(CopyWriter& writer, std::string_view value, bool known) {
  known ? writer.bytes(value) : writer.null();
}
void put(CopyWriter& writer, std::string_view value) { put(writer, value, !value.empty()); }
void put(CopyWriter& writer, const std::optional<std::int64_t>& value) {
  value ? writer.int8(*value) : writer.null();
}

void stage(CopyWriter& writer, const HashResult& result) {
  const FileHashes& hashes = result.hashes;
  const bool pieces = hashes.piece_bytes > 0, zsync = hashes.zsync.block_bytes > 0;
  writer.row(5 + static_cast<std::int16_t>(std::size(kContent) + std::size(kSignature)));
  for (const std::int64_t number :
       {result.file_id, result.version_rev, result.size_bytes, result.mtime_s})
    writer.int8(number);
  put(writer, result.ctime_ns);
  for (const std::string* digest : {&hashes.md5, &hashes.sha1, &hashes.sha256, &hashes.sha512})
    put(writer, *digest);
  put(writer, pieces ? std::optional(hashes.piece_bytes) : std::nullopt);
  put(writer, hashes.sha1_pieces, pieces);
  for (const std::string* digest :
       {&hashes.pieces_root, &hashes.piece_layer, &hashes.btih, &hashes.btih_v1, &hashes.btmh}) {
    put(writer, *digest);
  }
  for (const std::int32_t number : {hashes.zsync.block_bytes, hashes.zsync.seq_matches,
                                    hashes.zsync.rsum_bytes, hashes.zsync.md4_bytes}) {
    put(writer, zsync ? std::optional<std::int64_t>(number) : std::nullopt);
  }
  put(writer, hashes.zsync.sums, zsync);
  const bool is_signed = hashes.signature_kind != SignatureKind::none && result.signature_ctime_ns;
  put(writer, hashes.signature_kind == SignatureKind::asc ? "a" : "s", is_signed);
  put(writer, hashes.signature, is_signed);
  put(writer, result.signature_ctime_ns);
}

// told: the result speaks of the content. other: that is not the content the stored digests know;
// under a new mtime the benefit of the doubt ends, and one digest must agree. fresh: a row of hash
// is to be made, in place of a stale one if there is any. alters: the file's row changes too. news:
// replicas must see it.
std::string verdict_sql() {
  std::string differs = "false", agrees = "false", adds = "false";
  for (const char* name : {"md5", "sha1", "sha256", "sha512"}) {
    differs += fmt::format(" OR r.{0} <> h.{0}", name);
    agrees += fmt::format(" OR r.{0} = h.{0}", name);
  }
  adds += each(kContent, " OR r.{0} IS NOT NULL AND r.{0} IS DISTINCT FROM h.{0}::{1}");
  return fmt::format(
      "INSERT INTO hash_verdict SELECT f.id, f.cohort_id, fresh AND h.file_id IS NOT NULL, fresh, "
      "told, other, alters, "
      " fresh OR alters OR {} "
      " OR r.signature_ctime_ns IS NOT NULL AND (r.signature_kind, r.signature) IS DISTINCT FROM "
      "(h.signature_kind, h.signature) "
      "FROM hash_result r JOIN file f ON f.id = r.file_id AND f.version_rev = r.version_rev AND "
      "f.size = r.size "
      " AND f.mtime = r.mtime AND f.kind = 'f' AND f.gone_at IS NULL "
      "LEFT JOIN hash h ON h.file_id = f.id "
      "CROSS JOIN LATERAL (SELECT coalesce(h.version_rev = f.version_rev, false) AS known, "
      " num_nonnulls(r.md5, r.sha1, r.sha256, r.sha512) > 0 AS told, "
      " coalesce({}, false) AS differs, coalesce({}, false) AS agrees) a "
      "CROSS JOIN LATERAL (SELECT told AND known AND (differs OR f.pending AND NOT agrees) AS "
      "other) b "
      "CROSS JOIN LATERAL (SELECT NOT known OR other AS fresh, other OR told AND f.pending AS "
      "alters) c "
      "WHERE told OR known",
      adds, differs, agrees);
}

// How many there are of each verdict.
struct Verdicts {
  std::int64_t all, stale, fresh, others, altered, news;
};

Verdicts judge(Connection& connection) {
  static const std::string verdict = verdict_sql();
  connection.script(verdict);
  const Result counts = connection.run(
      "SELECT count(*), count(*) FILTER (WHERE stale), count(*) FILTER (WHERE fresh), count(*) "
      "FILTER (WHERE other), "
      "count(*) FILTER (WHERE alters), count(*) FILTER (WHERE news) FROM hash_verdict");
  return {counts.int8(0, 0), counts.int8(0, 1), counts.int8(0, 2),
          counts.int8(0, 3), counts.int8(0, 4), counts.int8(0, 5)};
}

// What is of another version now, or no longer pending.
void change_files(Connection& connection, MergeTransaction& merge, const Verdicts& verdicts) {
  merge.source_changed();
  const Params params = Params().int8(verdicts.others > 0 ? merge.cohort_of({}) : 0);
  // Also under the time that it has now: no listing tells the two contents apart then.
  static const std::string remember = remember_version(
      "v.other",
      "(SELECT h.mtimes FROM hash h WHERE h.file_id = f.id AND h.version_rev = f.version_rev)",
      "true");
  std::optional<CountChanges> counts;
  if (verdicts.others > 0) {
    counts.emplace(connection)
        .add(
            "SELECT c.id, c.n FROM hash_verdict v "
            "CROSS JOIN LATERAL (VALUES (v.cohort_id, -1), ($1, 1)) c (id, n) WHERE v.other AND "
            "v.cohort_id IS NOT NULL "
            "UNION ALL VALUES ($1, 0)",
            params);  // the last lets it go again if nobody needs it
  }
  merge.change_files(
      verdicts.altered,
      "UPDATE file f SET pending = false, rev = $2, version_rev = CASE WHEN v.other THEN $2 ELSE "
      "f.version_rev END, "
      "cohort_id = CASE WHEN v.other AND f.cohort_id IS NOT NULL THEN $1 ELSE f.cohort_id END, " +
          remember + " FROM hash_verdict v WHERE f.id = v.file_id AND v.alters",
      Params(params).int8(merge.rev()));
  if (counts) merge.adjust_counts(*counts);
}

void update_hashes(Connection& connection, std::int64_t rev) {
  connection.script(
      fmt::format("UPDATE hash h SET rev = CASE WHEN v.news THEN {} ELSE h.rev END, ctime_ns = "
                  "coalesce(r.ctime_ns, h.ctime_ns), "
                  "mtimes = CASE WHEN NOT v.told OR r.mtime = ANY (h.mtimes) THEN h.mtimes "
                  "ELSE (h.mtimes || r.mtime)[greatest(1, cardinality(h.mtimes) + 2 - {}):] END",
                  rev, kMaxTimes) +
      each(kContent, ", {0} = coalesce(r.{0}::{1}, h.{0})") +
      each(kSignature, ", {0} = CASE WHEN r.signature_ctime_ns IS NULL THEN h.{0} ELSE r.{0} END") +
      " FROM hash_result r JOIN hash_verdict v USING (file_id) WHERE h.file_id = r.file_id AND NOT "
      "v.fresh");
}

void insert_hashes(Connection& connection, std::int64_t rev) {
  connection.script("INSERT INTO hash (file_id, rev, version_rev, mtimes, ctime_ns" +
                    each(kContent, ", {}") + each(kSignature, ", {}") +
                    fmt::format(") SELECT r.file_id, {0}, CASE WHEN v.other THEN {0} ELSE "
                                "r.version_rev END, ARRAY[r.mtime], r.ctime_ns",
                                rev) +
                    each(kContent, ", r.{}::{}") + each(kSignature, ", r.{}") +
                    " FROM hash_result r JOIN hash_verdict v USING (file_id) WHERE v.fresh");
}

// Returns the revision, 0 when it tells nothing new.
std::int64_t change_hashes(Connection& connection, MergeTransaction& merge,
                           const Verdicts& verdicts) {
  const std::int64_t rev = verdicts.news > 0 ? merge.rev() : 0;
  const std::int64_t only_hashes =
      verdicts.news - verdicts.altered;  // the others are noted with their file
  if (only_hashes > 0)
    merge.note_hashes(only_hashes, "SELECT file_id FROM hash_verdict WHERE news AND NOT alters");
  if (verdicts.all > verdicts.fresh) update_hashes(connection, rev);
  if (verdicts.stale > 0)
    connection.script(
        "DELETE FROM hash h USING hash_verdict v WHERE h.file_id = v.file_id AND v.stale");
  if (verdicts.fresh > 0) insert_hashes(connection, rev);
  return rev;
}

}  // namespace

StoredHashes store_hashes(Connection& connection, const std::vector<HashResult>& results) {
  if (results.empty()) return {};
  create_tables(connection);
  MergeTransaction merge(connection, [&] {
    CopyWriter writer(connection, "COPY hash_result FROM STDIN (FORMAT binary)");
    for (const HashResult& result : results) stage(writer, result);
    writer.flush();
  });
  merge.use_indexes(true);
  const Verdicts verdicts = judge(connection);
  if (verdicts.altered > 0) change_files(connection, merge, verdicts);
  const std::int64_t rev = change_hashes(connection, merge, verdicts);
  merge.commit();
  return {verdicts.all, verdicts.others, rev};
}

}  // namespace mirror::db
