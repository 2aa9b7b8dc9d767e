// Comparing the source's staged listing with the file table: what is new, changed, touched, back or
// gone, and writing that under the merge lock. Only one source scan runs at a time (ScanLock), so
// the versions it compared with still hold there, but for files that were hashed meanwhile; cohorts
// may have moved and are read again. Internal to lib/db; one thread, one Connection.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "db/merge/folders.h"
#include "db/merge/merge.h"
#include "db/merge/staging.h"

namespace mirror::db {

struct ListedLink {
  std::string text;
  bool staged = false;
};
using ListedLinks = std::unordered_map<std::string, ListedLink>;  // by path

// Paths that could not be seen or were not looked at: all between two others, without them.
struct HeldRange {
  std::string low, high;
  bool staged = false;   // what lies there is staged
  bool unasked = false;  // it was not looked at
};
HeldRange held_below(std::string_view folder, bool staged);
// What is not below the folder.
std::vector<HeldRange> held_beside(std::string_view folder);

// Whether gone files have had their time.
bool any_expired(Connection&, double grace_s);

class SourceCompare {
 public:
  explicit SourceCompare(Connection& connection)
      : connection_(connection),
        delta_tables_(connection),
        held_(connection,
              {{"merge_held", "low bytea, high bytea, staged boolean, unasked boolean"}}),
        folders_(connection, delta_tables_) {}

  // Completes the staged listing with what is known in these ranges. Before resolve().
  void hold(const std::vector<HeldRange>& ranges, StagedListing& listing);
  // Gives every link of the staged listing its real path, and drops directories and links that lead
  // nowhere.
  void resolve(const ListedLinks& listed, StagedListing& listing);
  // In one snapshot; grace_s decides which gone files have had their time.
  void compare(const StagedListing& listing, double grace_s);

  const ScanCounts& counts() const { return counts_; }
  std::int64_t current() const {
    return current_;
  }  // files and links before the merge, without staged and gone ones
  std::int64_t altered() const { return altered_; }  // of these: changed, hidden or gone
  std::int64_t entries() const { return entries_; }  // files and links listed, staged ones too
  bool anything_changed() const { return anything_changed_; }

  void apply(MergeTransaction&, double grace_s);
  // Afterwards: current files whose content was read before their inode last changed, which was
  // after `since_ns`; those whose size or time speaks for another version are not among them.
  std::vector<std::int64_t> changed_inodes(const StagedListing& listing, std::int64_t since_ns);

 private:
  void add_unasked(ListedLinks& links);
  void count();
  void find_gone();
  std::int64_t still_pending();
  // A hash may have told since which version a file is, or un-pended it: what was compared with
  // that is judged once more.
  void judge_again();
  void prune(MergeTransaction& merge, double grace_s);
  void expire(MergeTransaction&, double grace_s, CountChanges&);
  void count_moves(std::int64_t without_mirrors, CountChanges&);
  void change_known(MergeTransaction&, std::int64_t without_mirrors);

  Connection& connection_;
  SourceDelta delta_tables_;
  TempTables held_;  // merge_held: the folders that were held, as bounds of their paths
  NewFolders folders_;
  ScanCounts counts_;
  std::int64_t current_ = 0, altered_ = 0, entries_ = 0;
  std::int64_t delta_ = 0, gone_ = 0;  // rows of merge_delta and merge_gone
  std::int64_t snapshot_rev_ = 0;
  bool anything_changed_ = false;
};

}  // namespace mirror::db
