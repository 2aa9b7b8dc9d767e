// The change feed: all that a replica pulls, in one snapshot of the database. Revisions are given
// out inside the merge lock, so a replica that has everything up to one revision asks for what is
// above it. Functions throw Error; one thread, one Connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/feed_file.h"
#include "core/model.h"
#include "db/unreadable.h"
#include "pg/connection.h"

namespace mirror::db {

// Where the database stands.
struct FeedState {
  std::int64_t rev = 0;  // 0: nothing was ever merged
  std::string token;     // of that revision, which no other database has; "" for rev 0
  double grace_s = 0;    // how long gone files are redirected; the default where it is out of range
};

// From now on the server notifies this connection of news (had_news). False if the server cannot do
// that, as a standby.
bool listen_for_news(Connection&);
// Whether a notification has come since the last call; does not wait. Throws ConnectionError when
// the connection has ended.
bool had_news(Connection&);

// Throws Error where the database lacks a row that its schema made.
FeedState feed_state(Connection&);
// The revision of the mirrors, which are read without a snapshot of the rest (load_mirrors()): a
// lock on the tables of files holds neither up. Throws as feed_state().
std::int64_t mirrors_rev(Connection&);
// Whether the database has or had this revision with this token. If not, it is another database, or
// an older state of it.
bool knows_revision(Connection&, std::int64_t rev, const std::string& token);

inline constexpr std::chrono::seconds kMaxLockWait{10};
// Whether the error says that another session held a lock for too long.
inline bool locked(const Error& error) { return error.sqlstate() == "55P03"; }

// A snapshot of the files and cohorts for the object's life. Rows come in pages; nothing is held in
// memory but one page. A row that cannot be read is left out, and named in unreadable(): a file is
// not shown then, a cohort is without mirrors. A table that another session has locked for
// kMaxLockWait is an Error with locked().
class FeedSnapshot {
 public:
  explicit FeedSnapshot(Connection&);

  const FeedState& state() const { return state_; }
  const UnreadableRows& unreadable() const { return unreadable_; }
  bool knows(std::int64_t rev, const std::string& token) {
    return rev == 0 || knows_revision(connection_, rev, token);
  }

  struct Cohort {
    std::int64_t id = 0;
    std::vector<MirrorId> mirrors;
    std::int64_t files = 0;
    std::int64_t rev = 0;
  };
  // A folder that is one of a mutable group, or, with anchored false, was one.
  struct Group {
    std::string folder;
    bool anchored = false;
    std::vector<MirrorId> mirrors;      // that have all of its members
    std::vector<FormerVersion> former;  // of its anchors, each one's newest first
    std::int64_t rev = 0;
  };
  using CohortPage = std::function<void(const std::vector<Cohort>&)>;
  using FilePage = std::function<void(std::vector<FeedFile>&)>;

  // Above `rev`; all of them for 0.
  void each_cohort_above(std::int64_t rev, const CohortPage& page);
  std::vector<Group> groups_above(std::int64_t rev);
  std::vector<Cohort> cohorts(const std::vector<std::int64_t>& ids);
  // Above `rev`, in bytewise order of their paths, gone and hidden ones too; for 0 all that are
  // shown. By the notes of the merges since, or by reading the whole table (db/changes.h).
  void each_file_above(std::int64_t rev, HashParts parts, const FilePage& page);
  // All that are shown and have not changed since `rev`, in the same order.
  void each_file_until(std::int64_t rev, HashParts parts, const FilePage& page);
  // Which of these paths are neither shown files (or, with `links`, links) nor changed since `rev`.
  std::vector<std::string> without(const std::vector<std::string>& paths, bool links,
                                   std::int64_t rev);

 private:
  void each_file(const std::string& which, HashParts parts, const FilePage& page);
  FeedFile read_file(const Result& rows, int row, HashParts parts);
  std::vector<Cohort> read_cohorts(const Result& rows);
  void each_page(const std::string& query, const Params& params, int rows,
                 const std::function<void(const Result&)>& page);

  void add_former_versions(std::vector<Group>& groups, std::int64_t rev);

  Connection& connection_;
  Transaction transaction_;
  FeedState state_;
  UnreadableRows unreadable_;
};

}  // namespace mirror::db
