#include "db/merge/folders.h"

#include <fmt/format.h>

#include <algorithm>

namespace mirror::db {
namespace {

constexpr std::int64_t kFewFiles = 250;
constexpr std::int64_t kMostCohorts = 512;

// The lengths of a path's outermost folders, down to the third level; a file that lies higher
// repeats the folder that it is in.
constexpr const char* kLengths =
    "CROSS JOIN LATERAL (SELECT position('/'::bytea IN d.path) AS p1) a "
    "CROSS JOIN LATERAL (SELECT p1 + position('/'::bytea IN substring(d.path FROM p1 + 1)) AS p2) "
    "b "
    "CROSS JOIN LATERAL (SELECT p2 + position('/'::bytea IN substring(d.path FROM p2 + 1)) AS p3) "
    "c ";

constexpr const char* kNewFiles = "d.file_id IS NULL AND d.kind = 'f' AND NOT d.staged";

}  // namespace

std::int64_t own_cohort_files(std::int64_t all_files) {
  return std::max(kFewFiles, all_files / kMostCohorts);
}

// The innermost folder that has enough of them takes its new files; those of smaller ones are
// counted together one level up.
void NewFolders::find(std::int64_t all_files) {
  any_ = false;
  const Params enough = Params().int8(own_cohort_files(all_files));
  if (connection_
          .run(fmt::format("SELECT FROM merge_delta d WHERE {} OFFSET $1 LIMIT 1", kNewFiles),
               enough)
          .empty())
    return;
  folders_.emplace(connection_, std::initializer_list<TempTables::Definition>{
                                    {"merge_folder",
                                     "level1 bytea, level2 bytea, level3 bytea, n bigint, folder "
                                     "bytea, cohort_id bigint"}});
  connection_.script(
      fmt::format("INSERT INTO merge_folder (level1, level2, level3, n) "
                  "SELECT substring(d.path FOR p1), substring(d.path FOR p2), d.path, n "
                  "FROM (SELECT substring(d.path FOR p3) AS path, count(*) AS n FROM merge_delta d "
                  "{0} WHERE {1} GROUP BY 1) d {0}",
                  kLengths, kNewFiles));
  for (const char* level : {"level3", "level2", "level1"}) {
    connection_.run(
        fmt::format(
            "UPDATE merge_folder SET folder = {0} WHERE folder IS NULL AND {0} IN "
            "(SELECT {0} FROM merge_folder WHERE folder IS NULL GROUP BY 1 HAVING sum(n) >= $1)",
            level),
        enough);
  }
  connection_.script(
      "DELETE FROM merge_folder WHERE folder IS NULL;"
      "UPDATE merge_folder m SET cohort_id = c.id FROM (SELECT folder, "
      "nextval(pg_get_serial_sequence('cohort', 'id')) AS id "
      " FROM (SELECT DISTINCT folder FROM merge_folder ORDER BY 1) f) c WHERE c.folder = m.folder;"
      "ANALYZE merge_folder");
  any_ = !connection_.run("SELECT FROM merge_folder LIMIT 1").empty();
}

void NewFolders::make_cohorts(MergeTransaction& merge, std::int64_t otherwise,
                              CountChanges& counts) {
  if (!any_) return;
  connection_.run(
      "INSERT INTO cohort (id, mirrors, n_files, rev) OVERRIDING SYSTEM VALUE "
      "SELECT DISTINCT cohort_id, '{}'::smallint[], 0, $1 FROM merge_folder ORDER BY 1",
      Params().int8(merge.rev()));
  counts.add(
      "SELECT c.id, c.n FROM merge_folder m "
      "CROSS JOIN LATERAL (VALUES (m.cohort_id, m.n), ($1, -m.n)) c (id, n)",
      Params().int8(otherwise));
}

const std::string& NewFolders::join() const {
  static const std::string none = "CROSS JOIN (SELECT NULL::bigint AS cohort_id) folder ";
  static const std::string some =
      std::string(kLengths) +
      "LEFT JOIN merge_folder folder ON folder.level3 = substring(d.path FOR p3) AND " + kNewFiles +
      " ";
  return any_ ? some : none;
}

}  // namespace mirror::db
