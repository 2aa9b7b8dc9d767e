// Comparing a mirror's staged listing with the file table: which files the mirror gained or lost,
// and which of them will have to move. Runs in a snapshot outside the merge lock; under it only
// what has changed since is looked at again. Internal to lib/db; one thread, one Connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/path_rules.h"
#include "db/merge/behind.h"
#include "db/merge/merge.h"
#include "db/merge/staging.h"
#include "db/mirror/time_keeping.h"

namespace mirror::db {

class MirrorCompare {
 public:
  // `start_rev`: read before the listing's first byte. `measured`: by earlier scans.
  MirrorCompare(Connection&, MirrorId, std::string subtree, const Fidelity&, std::int64_t start_rev,
                const MeasuredTimes& measured, const PathRules& rules);

  // The times are as measured by another comparison: this one does not measure them.
  void trust_times() { measures_ = false; }
  // Files that are not listed keep their state.
  void heed_listed_only() { asked_only_ = true; }
  // Compares everything, in one snapshot. `listing` must be finished.
  void compare(const StagedListing& listing);
  // Looks at the files again that changed since the last comparison; in a snapshot of its own, or
  // under the merge lock.
  void catch_up();
  bool behind();         // whether there is anything to catch up with
  bool must_read_all();  // to catch up, since nobody noted what has changed

  const ScanCounts& counts() const { return counts_; }
  bool anything_changed() const { return !changes_.empty(); }
  // How many files the mirror had in the whole tree, and how many of them it lost on balance,
  // current ones only: {had, lost}.
  std::pair<std::int64_t, std::int64_t> shrinkage();
  // Some of the current files that the mirror lost, by chance.
  std::vector<std::string> sample_losses(std::int32_t count);
  // Writes how far a full listing shows the mirror to be behind. After compare(), outside a merge.
  void store_behind();
  // Of this listing when it has enough files to measure it, else as given.
  const MeasuredTimes& times() const { return times_; }

  // For statements on merge_listing: $1 mirror, $2 rev before the listing, $3 precision in seconds,
  // $4 times must match, $5 and $6 between which paths the listing is (NULL: all), $7 by how much
  // the mirror's times are ahead, $8 what fits immutable files (NULL: none).
  Params scope() const;

  // Writes the changes, under the merge lock and caught up.
  void apply(MergeTransaction&);

 private:
  struct Change {
    std::int64_t files = 0;    // of the cohort that gained or lost the mirror
    std::int64_t current = 0;  // of these, not gone at the source
    bool listed = false;       // the cohort lists the mirror: its changes are losses
  };
  // Unless the mirror is known not to keep times. What is newer there than at the source may be
  // content that the source has withdrawn.
  bool times_must_match() const {
    return !of_uploads_ && keeping_of(times_.share) != TimeKeeping::not_kept;
  }
  struct SameTimes {  // files with the source's size, and how many of them have its time
    std::int64_t files = 0, same = 0;
    bool clear_fault() const;
    double share() const;
  };
  struct EntryCounts {
    std::int64_t known = 0, comparable = 0, not_older = 0;
    std::int64_t immutable_of_other_time = 0, immutable_and_older = 0;
    SameTimes all, had;  // had: of the files that the mirror has
    SameTimes measured(bool decided) const;
  };
  EntryCounts read_entries();
  std::string insert_changed(const char* files) const;
  bool find_offset(bool decided, std::int64_t files);
  void count_entries(const StagedListing& listing);
  void measure_times(const SameTimes& found);
  void find_behind();
  void tally(const Result& rows);
  void recount();
  void choose_sides();
  void warm_up();

  Connection& connection_;
  MirrorDelta tables_;
  MirrorId mirror_;
  std::string subtree_;
  Precision precision_;
  bool of_uploads_;  // the times
  std::int64_t start_rev_;
  MeasuredTimes times_;
  bool measures_;
  bool asked_only_ = false;
  std::string immutable_regex_;
  std::int64_t seen_rev_ = 0;  // the snapshot's newest revision
  ScanCounts counts_;
  std::optional<Behind> behind_;
  ShownFiles shown_;
  bool not_moved_ = false;  // it shows what it showed when it was found to be behind
  std::unordered_map<std::int64_t, Change> changes_;  // by cohort
  std::vector<std::int64_t>
      in_place_;  // cohorts whose row changes while the unchanged rest of their files moves
};

}  // namespace mirror::db
