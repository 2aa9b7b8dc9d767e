#include "db/probe/fresh_files.h"

#include "db/merge/merge.h"

namespace mirror::db {
namespace {

void add_new(Connection& connection, std::int64_t above_rev, std::int32_t limit,
             std::vector<FreshFile>& files) {
  const Result rows = connection.run(
      "SELECT f.id, f.version_rev, f.path, f.size, extract(epoch FROM now() - r.at)::bigint, "
      "ARRAY(SELECT f.mtime UNION SELECT unnest(h.mtimes) FROM hash h WHERE h.file_id = f.id AND "
      "h.version_rev = f.version_rev), "
      "ARRAY(SELECT e.mtime FROM unnest(f.earlier_sizes, f.earlier_times) e (size, mtime) WHERE "
      "e.size = f.size) "
      "FROM file f JOIN revision r ON r.rev = f.version_rev WHERE f.version_rev > $1 AND f.kind = "
      "'f' AND f.gone_at IS NULL AND f.cohort_id IS NOT NULL AND NOT f.pending AND " +
          changed_above(connection, above_rev) + " ORDER BY f.version_rev DESC, f.id LIMIT $2",
      Params().int8(above_rev).int4(limit));
  for (int row = 0; row < rows.rows(); ++row) {
    files.push_back({rows.int8(row, 0), rows.int8(row, 1), std::string(rows.bytes(row, 2)),
                     rows.int8(row, 3), false, rows.int8(row, 1), rows.int8(row, 4),
                     rows.int8_array(row, 5), rows.int8_array(row, 6)});
  }
}

// Their releases go after all those of new files, the last ones that went first.
void add_gone(Connection& connection, std::int64_t above_rev, std::int32_t limit,
              std::vector<FreshFile>& files) {
  constexpr std::int64_t kAfterNew = std::int64_t{1} << 40;
  const Result rows = connection.run(
      "SELECT f.id, f.version_rev, f.path, f.size, extract(epoch FROM f.gone_at)::bigint, "
      "extract(epoch FROM now() - f.gone_at)::bigint FROM file f JOIN cohort c ON c.id = "
      "f.cohort_id WHERE f.gone_at > now() - interval '1 day' AND f.kind = 'f' AND c.mirrors <> "
      "'{}' AND " +
          changed_above(connection, above_rev) + " ORDER BY f.gone_at DESC, f.id LIMIT $1",
      Params().int4(limit));
  for (int row = 0; row < rows.rows(); ++row) {
    files.push_back({rows.int8(row, 0),
                     rows.int8(row, 1),
                     std::string(rows.bytes(row, 2)),
                     rows.int8(row, 3),
                     true,
                     rows.int8(row, 4) - kAfterNew,
                     rows.int8(row, 5),
                     {},
                     {}});
  }
}

}  // namespace

std::int64_t first_fresh_rev(Connection& connection) {
  return connection
      .run(
          "SELECT coalesce((SELECT max(rev) FROM revision WHERE at < now() - interval '1 day'), "
          "0)")
      .int8(0, 0);
}

FreshFiles read_fresh_files(Connection& connection, std::int64_t above_rev, std::int32_t limit) {
  FreshFiles fresh;
  Transaction snapshot(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ");
  fresh.rev = newest_rev(connection);
  add_new(connection, above_rev, limit, fresh.files);
  add_gone(connection, above_rev, limit, fresh.files);
  snapshot.commit();
  return fresh;
}

std::map<std::int64_t, std::vector<MirrorId>> read_holders(
    Connection& connection, const std::vector<std::shared_ptr<const FreshFile>>& files) {
  std::vector<std::int64_t> ids, versions, gone;
  for (const auto& file : files) {
    ids.push_back(file->id);
    versions.push_back(file->version_rev);
    gone.push_back(file->gone ? 1 : 0);
  }
  const Result rows = connection.run(
      "SELECT f.id, c.mirrors FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) a (id, "
      "version_rev, gone) JOIN file f USING (id, version_rev) JOIN cohort c ON c.id = f.cohort_id "
      "WHERE (f.gone_at IS NULL) = (a.gone = 0) AND NOT f.pending",
      Params().int8_array(ids).int8_array(versions).int8_array(gone));
  std::map<std::int64_t, std::vector<MirrorId>> holders;
  for (int row = 0; row < rows.rows(); ++row) holders[rows.int8(row, 0)] = rows.int2_array(row, 1);
  return holders;
}

}  // namespace mirror::db
