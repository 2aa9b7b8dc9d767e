// What every merge shares: the short transaction under the merge lock, its revision, the
// bookkeeping of cohorts, the scan's row. One thread, one Connection; the rules for locks are in
// locks.h.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/merge/changes.h"
#include "db/merge/groups.h"
#include "db/merge/scan.h"
#include "db/merge/temp_tables.h"

namespace mirror::db {

// Takes the lock in the constructor; rolled back on destruction unless committed.
class MergeTransaction {
 public:
  // `before_lock` is done in the transaction, but before the lock.
  explicit MergeTransaction(Connection&, const std::function<void()>& before_lock = {});
  // This merge's revision; takes the next number and records it on first use.
  std::int64_t rev();
  // Whether statements should go through indexes and nested loops: what touches few of many rows
  // under the lock must not depend on the planner's idea of how many they are.
  void use_indexes(bool on);
  // Until use_indexes(): for what touches most of the rows, which walks through both tables in the
  // order of their indexes.
  void use_order();
  // The cohort without mirrors, or with these mirrors: found or made.
  std::int64_t cohort_of(const std::vector<MirrorId>& mirrors);
  // This merge changes which files the source has, in which version: what was known of mirrors'
  // listings holds no longer.
  void source_changed();
  // The rules for paths (path_rule) are others.
  void rules_changed();
  // The one way to write rows of file: an INSERT INTO file or UPDATE file that gives at most
  // `at_most` rows this revision, which replicas and other scans are told of. Returns how many.
  std::int64_t change_files(std::int64_t at_most, const std::string& statement,
                            const Params& params = {});
  // Notes the files whose hashes get this revision as hash.rev: `query` gives their ids, at most
  // `at_most`.
  void note_hashes(std::int64_t at_most, const std::string& query);
  // Adds the numbers to the cohorts' counts, and drops the cohorts that became empty.
  void adjust_counts(const CountChanges&);
  // Mutable groups are made to fit first. Returns the seconds that the lock was held.
  double commit();

 private:
  Connection& connection_;
  Transaction transaction_;
  ChangeNotes notes_;
  Clock::time_point since_;
  std::int64_t rev_ = 0;
  GroupsToLookAt groups_ = GroupsToLookAt::of_changes;
};

// For the planner, after a merge that changed much: it does not wait for autovacuum.
void refresh_statistics(Connection&);

// The newest revision that this transaction (or, outside of one, this moment) sees; 0 before the
// first.
std::int64_t newest_rev(Connection&);
// Whether there is a revision above `rev` that is none of `ours`.
bool others_merged(Connection&, std::int64_t rev, const std::vector<std::int64_t>& ours);

// What the last good scan of a mirror, or of the source, found, as long as the same listing must
// lead to the same.
struct GoodScan {
  std::string fingerprint;  // of its listing
  std::int64_t unknown = 0, outdated = 0, held = 0;
};
// `mirror` is nullopt for the source. nullopt also when that scan was of a subtree or by another
// method, or when the source has changed since it began, other than by that scan itself.
std::optional<GoodScan> last_good_scan(Connection&, std::optional<MirrorId> mirror,
                                       std::string_view method);

// One run's row in the scan table. `mirror` is nullopt for the source.
class ScanRow {
 public:
  // Marks rows that a killed run left open as interrupted: the caller holds the ScanLock, so nobody
  // else can be running.
  ScanRow(Connection&, std::optional<MirrorId> mirror, std::string_view method,
          std::string_view subtree);
  // Before close(): the fingerprint of a full listing, and the rev read before its first byte, or
  // that of the source's own merge.
  void listed(std::string fingerprint, std::int64_t rev);
  void close(const char* outcome, const ScanCounts& counts, std::string_view error = {});
  // After the merge, when all that a scan writes is written: how many files there are.
  void settle(std::int64_t held);
  bool open() const { return open_; }
  // For a scan that is given up without a reason, or whose merge threw: never throws.
  void close_as_failed(const ScanCounts& counts, std::string_view error) noexcept;

 private:
  Connection& connection_;
  std::int64_t id_ = 0, rev_ = 0;
  std::string fingerprint_;
  bool open_ = true;
};

}  // namespace mirror::db
