// Writing a catalog: one LMDB transaction, undone unless committed. Cohorts count their files; one
// that lost its last file stays until drop_empty(), since a file of a later batch may still come to
// it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/codec.h"
#include "catalog/crashes.h"
#include "catalog/environment.h"

namespace mirror::catalog {

class Batch {
 public:
  explicit Batch(
      Environment& environment);  // waits for another writer; throws Error, as all that follows

  // Inserts, replaces or, where it is not shown, erases a file or link.
  void put(const FeedFile& file);
  // The same for paths in ascending order into an empty catalog: pages are filled to the brim.
  void append(const FeedFile& file);

  bool has_cohort(std::int64_t id) const;
  std::vector<MirrorId> cohort(std::int64_t id) const;  // empty for an unknown one
  void put_cohort(std::int64_t id, std::span<const MirrorId> mirrors);
  // Folders of mutable groups, and who has all of their members; nullopt: it is none. `former`: of
  // their anchors.
  std::optional<std::vector<MirrorId>> group(std::string_view folder);
  void put_group(std::string_view folder, std::span<const MirrorId> mirrors,
                 std::span<const FormerVersion> former = {});
  void erase_group(std::string_view folder);
  void drop_empty(const std::set<std::int64_t>& cohorts);
  // Which cohorts lost files in this batch.
  const std::set<std::int64_t>& lost_files() const { return lost_files_; }

  // As this transaction sees it: who writes it at another time may have changed it since.
  Meta meta() const;
  // Both throw Error, and are undone, where a reader could not read what they would store: a
  // catalog is never replaced by one that no process can use.
  // With the rules for paths and the pause; counts meta.mirrors_count up.
  void put_mirrors(const std::vector<Mirror>& mirrors, const PathRules& rules, Meta& meta,
                   const std::optional<Pause>& pause = {});
  void put_meta(const Meta& meta);
  // Links whose grace time is long over, and cohorts without files.
  void sweep(std::int64_t now_s, double grace_s);
  void commit();

 private:
  std::optional<std::string_view> get(MDB_dbi table, std::string_view key) const;
  CohortRecord cohort_in(std::string_view record) const;
  std::optional<CohortRecord> cohort_record(std::int64_t id) const;
  void store_cohort(std::int64_t id, const CohortRecord& cohort);
  void store(MDB_dbi table, std::string_view key, std::string_view record, bool append = false);
  void erase(MDB_dbi table, std::string_view key);
  void write(const FeedFile& file, bool append);
  void erase_file(std::string_view key);
  void count(std::int64_t cohort, std::int64_t files);
  template <class Unneeded>
  void sweep_table(MDB_dbi table, Unneeded unneeded);
  void write_counts();

  Environment& environment_;
  const InUse in_use_;
  TransactionHandle txn_;
  std::map<std::int64_t, std::int64_t> counts_;  // files that came to or left each cohort
  std::set<std::int64_t> lost_files_;
  std::string key_room_, record_;
};

}  // namespace mirror::catalog
