// The change feed: all that a replica pulls, in one snapshot of the database. Revisions are given
// out inside the merge lock, so whoever has everything up to one revision asks for what is above
// it. Functions throw Error; one thread, one Connection.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/feed_file.h"
#include "core/model.h"
#include "pg/connection.h"

namespace mirror::db {

// Where the database stands.
struct FeedState {
  std::int64_t rev = 0;  // 0: nothing was ever merged
  std::string token;     // of that revision, which no other database has; "" for rev 0
  std::int64_t mirrors_rev = 0;
  double grace_s = 0;  // how long gone files are redirected
};

// From now on news wakes this connection (had_news); false where the server does not offer that, as
// standbys do not.
bool listen_for_news(Connection&);
// Whether the server has called since the last question; does not wait. Throws ConnectionError when
// the connection has ended.
bool had_news(Connection&);

FeedState feed_state(Connection&);
// Whether the database has, or had before, this revision with this token: else it is another one,
// or an older state of it.
bool knows_revision(Connection&, std::int64_t rev, const std::string& token);

// A snapshot of the whole feed for the object's life. Rows come in pages; nothing is held in memory
// but one page.
class FeedSnapshot {
 public:
  explicit FeedSnapshot(Connection&);

  const FeedState& state() const { return state_; }
  bool knows(std::int64_t rev, const std::string& token) {
    return rev == 0 || knows_revision(connection_, rev, token);
  }

  struct Cohort {
    std::int64_t id = 0;
    std::vector<MirrorId> mirrors;
    std::int64_t files = 0;
    std::int64_t rev = 0;
  };
  using CohortPage = std::function<void(const std::vector<Cohort>&)>;
  using FilePage = std::function<void(std::vector<FeedFile>&)>;

  // Above `rev`; all of them for 0.
  void each_cohort_above(std::int64_t rev, const CohortPage& page);
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
  void each_page(const std::string& query, const Params& params, int rows,
                 const std::function<void(const Result&)>& page);

  Connection& connection_;
  Transaction transaction_;
  FeedState state_;
};

}  // namespace mirror::db
