// Cohorts of their own for the new files of large folders. What a mirror leaves out is mostly whole
// folders near the tree's root; where such a folder's files are a cohort from the beginning, the
// first scans change its row, and no file has to move. Internal to lib/db; one thread, one
// Connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "db/merge/merge.h"

namespace mirror::db {

// Of so many files and more a cohort stands for itself even if another lists the same mirrors: so
// there are a few hundred at most.
std::int64_t own_cohort_files(std::int64_t all_files);

class NewFolders {
 public:
  // The delta must outlive this.
  NewFolders(Connection& connection, const SourceDelta&) : connection_(connection) {}

  // Looks among the new files of the delta, outside the merge lock; `all_files`: as many as the
  // source has.
  void find(std::int64_t all_files);
  bool any() const { return any_; }
  // Makes the cohorts; `counts` has their files in the cohort `otherwise`, and is corrected.
  void make_cohorts(MergeTransaction&, std::int64_t otherwise, CountChanges& counts);
  // To be joined to `merge_delta d`; then folder.cohort_id is the new file's cohort, NULL for one
  // that gets none of its own.
  const std::string& join() const;

 private:
  Connection& connection_;
  std::optional<TempTables> folders_;  // merge_folder, once there is something to look at
  bool any_ = false;
};

}  // namespace mirror::db
