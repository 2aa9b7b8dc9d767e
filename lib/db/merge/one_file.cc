#include "db/merge/one_file.h"

#include <fmt/format.h>

#include "db/merge/merge.h"

namespace mirror::db {
namespace {

// merge_one: the files that change, with the cohort that each leaves, the mirrors that it then has,
// and the cohort that has just these.
struct OneFileDelta : TempTables {
  explicit OneFileDelta(Connection& connection)
      : TempTables(connection, {{"merge_one",
                                 "file_id bigint PRIMARY KEY, from_id bigint, mirrors smallint[], "
                                 "to_id bigint"}}) {}
};

struct Change {
  const char* files;    // which `file f` may change
  const char* mirrors;  // what its cohort `c` becomes with the mirrors a.ids
};

constexpr Change kWithdraw = {
    "f.cohort_id IS NOT NULL",
    "ARRAY(SELECT m FROM unnest(c.mirrors) m WHERE m <> ALL (a.ids) ORDER BY 1)"};

constexpr Change kConfirm = {
    "f.cohort_id IS NOT NULL AND f.gone_at IS NULL AND NOT f.staged AND NOT f.pending",
    "ARRAY(SELECT unnest(c.mirrors) UNION SELECT m.id FROM mirror m WHERE m.id = ANY (a.ids) "
    "ORDER BY 1)"};

class FewFiles {
 public:
  explicit FewFiles(const std::vector<FileOnMirror>& files) {
    for (const FileOnMirror& file : files) {
      mirrors_.push_back(file.mirror);
      files_.push_back(file.file_id);
      versions_.push_back(file.version_rev);
    }
  }
  Params params() const {
    return Params().int2_array(mirrors_).int8_array(files_).int8_array(versions_);
  }
  const std::vector<MirrorId>& mirrors() const { return mirrors_; }

 private:
  std::vector<MirrorId> mirrors_;
  std::vector<std::int64_t> files_, versions_;
};

bool find_changes(Connection& connection, const FewFiles& files, const Change& change) {
  return connection
             .run(fmt::format("INSERT INTO merge_one (file_id, from_id, mirrors) "
                              "SELECT f.id, c.id, n.mirrors FROM "
                              "(SELECT file_id, version_rev, array_agg(mirror_id) AS ids "
                              " FROM unnest($1::smallint[], $2::bigint[], $3::bigint[]) "
                              " AS asked (mirror_id, file_id, version_rev) GROUP BY 1, 2) a "
                              "JOIN file f ON f.id = a.file_id AND f.version_rev = a.version_rev "
                              "JOIN cohort c ON c.id = f.cohort_id "
                              "CROSS JOIN LATERAL (SELECT {} AS mirrors) n "
                              "WHERE {} AND n.mirrors <> c.mirrors",
                              change.mirrors, change.files),
                  files.params())
             .affected() > 0;
}

void find_cohorts(Connection& connection, MergeTransaction& merge) {
  static constexpr const char* kFind =
      "UPDATE merge_one o SET to_id = (SELECT c.id FROM cohort c WHERE c.mirrors = o.mirrors "
      "ORDER BY c.n_files DESC, c.id LIMIT 1) WHERE o.to_id IS NULL";
  connection.script(kFind);
  connection.run(
      "INSERT INTO cohort (mirrors, n_files, rev) "
      "SELECT DISTINCT mirrors, 0, $1 FROM merge_one WHERE to_id IS NULL",
      Params().int8(merge.rev()));
  connection.script(kFind);
}

// The next listing of these mirrors is compared, also if it is the same as the last one. A scan
// under way may have compared already, so its row is marked: ScanRow::close heeds that.
void forget_listings(Connection& connection, const std::vector<MirrorId>& mirrors) {
  connection.run(
      "UPDATE scan s SET fingerprint = CASE WHEN s.outcome = 'running' THEN ''::bytea END "
      "FROM (SELECT DISTINCT unnest($1::smallint[]) AS id) m WHERE s.mirror_id = m.id AND "
      "((s.outcome = 'running' AND s.fingerprint IS NULL) OR (s.fingerprint IS NOT NULL AND s.id = "
      "(SELECT id FROM scan WHERE mirror_id = m.id AND outcome IN ('merged', 'unchanged') "
      "ORDER BY id DESC LIMIT 1)))",
      Params().int2_array(mirrors));
}

std::int64_t merge_files(Connection& connection, const std::vector<FileOnMirror>& asked,
                         const Change& change) {
  if (asked.empty()) return 0;
  const FewFiles files(asked);
  const OneFileDelta delta(connection);
  CountChanges counts(connection);
  MergeTransaction merge(connection);
  merge.use_indexes(true);
  if (!find_changes(connection, files, change)) return 0;
  find_cohorts(connection, merge);
  const std::int64_t changed =
      merge.change_files(static_cast<std::int64_t>(asked.size()),
                         "UPDATE file f SET cohort_id = o.to_id, rev = $1 FROM merge_one o "
                         "WHERE f.id = o.file_id",
                         Params().int8(merge.rev()));
  counts.add("SELECT unnest(ARRAY[from_id, to_id]), unnest(ARRAY[-1, 1]) FROM merge_one");
  merge.adjust_counts(counts);
  forget_listings(connection, files.mirrors());
  merge.commit();
  return changed;
}

}  // namespace

std::int64_t withdraw_files(Connection& connection, const std::vector<FileOnMirror>& files) {
  return merge_files(connection, files, kWithdraw);
}

std::int64_t confirm_files(Connection& connection, const std::vector<FileOnMirror>& files) {
  return merge_files(connection, files, kConfirm);
}

}  // namespace mirror::db
