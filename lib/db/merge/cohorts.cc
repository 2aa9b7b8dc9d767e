// What changes cohorts without a listing: deleting a mirror, joining cohorts that became equal.
#include "db/merge/folders.h"
#include "db/merge/merge.h"

namespace mirror::db {

void delete_mirror(Connection& connection, MirrorId id) {
  MergeTransaction merge(connection);
  if (!connection.run("SELECT FROM cohort WHERE $1 = ANY (mirrors) LIMIT 1", Params().int2(id))
           .empty()) {
    connection.run(
        "UPDATE cohort SET mirrors = array_remove(mirrors, $1), rev = $2 WHERE $1 = ANY (mirrors)",
        Params().int2(id).int8(merge.rev()));
  }
  connection.run("DELETE FROM mirror WHERE id = $1", Params().int2(id));
  connection.run("DELETE FROM scan_lock WHERE mirror_id = $1", Params().int2(id));
  merge.commit();
}

std::int64_t join_cohorts(Connection& connection, std::int64_t max_files) {
  if (connection
          .run("SELECT WHERE EXISTS (SELECT FROM cohort GROUP BY mirrors HAVING count(*) > 1) "
               "OR EXISTS (SELECT FROM cohort WHERE n_files = 0)")
          .empty()) {
    return 0;
  }
  // Without an index on cohort_id (each moved file would pay for it) the files are looked for
  // outside the lock.
  const TempTables moves(connection, {{"merge_pair", "from_id bigint PRIMARY KEY, to_id bigint"},
                                      {"merge_moves", "file_id bigint, from_id bigint"}});
  CountChanges counts(connection);
  const std::int64_t all_files =
      connection.run("SELECT coalesce(sum(n_files), 0)::bigint FROM cohort").int8(0, 0);
  const std::int64_t pairs = connection
                                 .run(
                                     "INSERT INTO merge_pair SELECT from_id, to_id FROM ("
                                     " SELECT id AS from_id, to_id, sum(n_files) OVER (ORDER BY "
                                     "n_files, id) AS total FROM ("
                                     "  SELECT id, n_files, first_value(id) OVER (PARTITION BY "
                                     "mirrors ORDER BY n_files DESC, id) AS to_id FROM cohort) c"
                                     " WHERE id <> to_id AND n_files < $2) p WHERE total <= $1",
                                     Params().int8(max_files).int8(own_cohort_files(all_files)))
                                 .affected();
  const bool empty_ones = !connection.run("SELECT FROM cohort WHERE n_files = 0 LIMIT 1").empty();
  if (pairs == 0 && !empty_ones) return 0;
  connection.script(
      "INSERT INTO merge_moves SELECT f.id, f.cohort_id FROM file f JOIN merge_pair p ON p.from_id "
      "= f.cohort_id");

  MergeTransaction merge(connection);
  merge.use_indexes(true);
  connection.script(
      "DELETE FROM merge_pair p WHERE NOT EXISTS (SELECT FROM cohort a JOIN cohort b ON b.mirrors "
      "= a.mirrors "
      "WHERE a.id = p.from_id AND b.id = p.to_id)");
  counts.add(
      "SELECT unnest(ARRAY[p.from_id, p.to_id]), unnest(ARRAY[-1, 1]) "
      "FROM merge_moves m JOIN merge_pair p USING (from_id) JOIN file f ON f.id = m.file_id AND "
      "f.cohort_id = m.from_id");
  const std::int64_t moved =
      merge.change_files(max_files,
                         "UPDATE file f SET cohort_id = p.to_id, rev = $1 FROM merge_moves m JOIN "
                         "merge_pair p USING (from_id) "
                         "WHERE f.id = m.file_id AND f.cohort_id = m.from_id",
                         Params().int8(merge.rev()));
  merge.adjust_counts(counts);
  connection.script("DELETE FROM cohort WHERE n_files = 0");
  merge.commit();
  return moved;
}

}  // namespace mirror::db
