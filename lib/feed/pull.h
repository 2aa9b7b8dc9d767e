// One pull: what a snapshot of the database has above a catalog's revision, in batches of one LMDB
// transaction each, in an order in which no reader between two of them sees a mirror that it should
// not: new cohorts whole, changed ones less what they gained; files; changed cohorts whole; cohorts
// that nobody is in any more; last what revision this is. A pull that broke off is done again.
#pragma once

#include <atomic>

#include "catalog/codec.h"
#include "catalog/environment.h"
#include "db/feed.h"

namespace mirror {

struct Pulled {
  std::int64_t files = 0, cohorts = 0;
  bool mirrors = false;
};

inline constexpr std::int64_t kBatchBytes =
    4 << 20;  // of records; what LMDB holds for them is a few times that

// Whether a pull would find nothing.
bool same_state(const db::FeedState& state, const catalog::Meta& meta);

// The catalog's revision must be one that the database knows. `stop` ends it between two batches:
// nullopt.
std::optional<Pulled> pull_changes(db::FeedSnapshot&, db::Connection&, catalog::Environment&,
                                   bool mirrors_anyway, const std::atomic<bool>& stop,
                                   std::int64_t batch_bytes = kBatchBytes);

// Everything, into an empty environment; it is complete and synced afterwards. False: stopped.
bool load_everything(db::FeedSnapshot&, db::Connection&, catalog::Environment&, bool hashes,
                     const std::atomic<bool>& stop);

}  // namespace mirror
