// One pull: what a snapshot of the database has above a catalog's revision, in batches of one LMDB
// transaction each, in an order in which no reader between two of them sees a mirror that it should
// not: new mutable groups whole, changed ones less what they gained; the same of cohorts; files;
// changed cohorts and groups whole; cohorts that nobody is in any more; last what revision this is.
// A pull that broke off is done again. Mirrors are pulled by themselves, at any time, by another
// thread even: what disables one waits for no file. So no transaction is open while a pull waits
// for the database.
#pragma once

#include <atomic>

#include "catalog/codec.h"
#include "catalog/environment.h"
#include "db/feed.h"

namespace mirror {

struct Pulled {
  std::int64_t files = 0, cohorts = 0;
};

inline constexpr std::int64_t kBatchBytes =
    4 << 20;  // of records; what LMDB holds for them is a few times that

// Whether a pull of files would find nothing.
bool same_state(const db::FeedState& state, const catalog::Meta& meta);

// The mirrors, in one transaction, where their revision is not the catalog's; `anyway` compares
// them themselves, for another database may have given out the same number. Rows that cannot be
// read are left out and added to `unreadable`. Returns whether the mirrors were read.
bool pull_mirrors(db::Connection&, catalog::Environment&, bool anyway,
                  db::UnreadableRows& unreadable);

// The catalog's revision must be one that the database knows. `stop` ends it between two batches:
// nullopt.
std::optional<Pulled> pull_changes(db::FeedSnapshot&, catalog::Environment&,
                                   const std::atomic<bool>& stop,
                                   std::int64_t batch_bytes = kBatchBytes);

// All files and cohorts, into an empty environment that nobody else has; without mirrors it is not
// complete yet. False: stopped.
bool load_files(db::FeedSnapshot&, catalog::Environment&, bool hashes,
                const std::atomic<bool>& stop);
// The mirrors of now behind it: it is complete and safe on disk afterwards. To be called outside
// the snapshot, which may be long ago.
void complete_load(db::Connection&, catalog::Environment&, db::UnreadableRows& unreadable);

}  // namespace mirror
