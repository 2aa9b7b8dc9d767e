#include "feed/pull.h"

#include <algorithm>
#include <ctime>
#include <iterator>
#include <optional>
#include <set>

#include "catalog/batch.h"
#include "catalog/error.h"
#include "catalog/reader.h"
#include "db/lookup.h"

namespace mirror {
namespace {

using catalog::Batch;
using catalog::Environment;
using catalog::Meta;
using Cohort = db::FeedSnapshot::Cohort;

constexpr double kSweepEverySeconds = 86400;

struct Stopped {};

// Records gather in one transaction until they are many; `commit` makes them visible.
class Batches {
 public:
  Batches(Environment& environment, const std::atomic<bool>& stop,
          std::int64_t batch_bytes = kBatchBytes)
      : environment_(environment), stop_(stop), batch_bytes_(batch_bytes) {}

  Batch& batch() {
    if (!batch_) batch_.emplace(environment_);
    return *batch_;
  }
  void written(std::size_t bytes) {
    bytes_ += static_cast<std::int64_t>(bytes) + kRecordOverhead;
    if (bytes_ >= batch_bytes_) commit();
  }
  // Those that lost files in this batch or an earlier one, and have none left.
  void drop_empty_cohorts() {
    note_lost_files();
    batch().drop_empty(lost_files_);
  }
  void commit() {
    if (batch_) {
      note_lost_files();
      batch_->commit();
      batch_.reset();
    }
    bytes_ = 0;
    if (stop_) throw Stopped();
  }

 private:
  void note_lost_files() {
    if (batch_) lost_files_.insert(batch_->lost_files().begin(), batch_->lost_files().end());
  }

  static constexpr std::int64_t kRecordOverhead =
      700;  // a change in the middle of the tree touches a page of its own now and then

  Environment& environment_;
  const std::atomic<bool>& stop_;
  const std::int64_t batch_bytes_;
  std::optional<Batch> batch_;
  std::int64_t bytes_ = 0;
  std::set<std::int64_t> lost_files_;
};

std::size_t bytes_of(const FeedFile& file) {
  const FileHashes& hashes = file.hashes;
  return file.path.size() + hashes.sha1_pieces.size() + hashes.piece_layer.size() +
         hashes.zsync.sums.size() + hashes.signature.size();
}

// A file may come to a cohort that has not changed since long, and that an interrupted pull or
// nobody brought.
void add_unknown_cohorts(db::FeedSnapshot& snapshot, Batch& batch,
                         const std::vector<FeedFile>& files, std::set<std::int64_t>& known) {
  std::vector<std::int64_t> unknown;
  for (const FeedFile& file : files) {
    if (!file.shown || file.link_target || !known.insert(file.cohort_id).second) continue;
    if (!batch.has_cohort(file.cohort_id)) unknown.push_back(file.cohort_id);
  }
  if (unknown.empty()) return;
  for (const Cohort& cohort : snapshot.cohorts(unknown))
    batch.put_cohort(cohort.id, cohort.mirrors);
}

std::vector<MirrorId> common(const std::vector<MirrorId>& a, const std::vector<MirrorId>& b) {
  std::vector<MirrorId> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both;
}

std::int64_t now_s() { return static_cast<std::int64_t>(std::time(nullptr)); }

Meta meta_of(Environment& environment) {
  return catalog::Snapshot(environment.shared_from_this())->meta();
}

class Pull {
 public:
  Pull(db::FeedSnapshot& snapshot, db::Connection& connection, Environment& environment,
       const std::atomic<bool>& stop, std::int64_t batch_bytes)
      : snapshot_(snapshot),
        connection_(connection),
        batches_(environment, stop, batch_bytes),
        meta_(meta_of(environment)) {}

  Pulled run(bool mirrors_anyway) {
    const db::FeedState& state = snapshot_.state();
    Pulled pulled;
    pulled.mirrors = mirrors_anyway || state.mirrors_rev != meta_.mirrors_rev;
    if (pulled.mirrors) put_mirrors();
    if (state.rev != meta_.rev) {
      pulled.cohorts = shrink_cohorts();
      pulled.files = put_files();
      complete_cohorts();
      batches_.drop_empty_cohorts();
    }
    finish();
    return pulled;
  }

 private:
  // Before the files: from now on nobody goes to a mirror that has been disabled.
  void put_mirrors() {
    const auto table = db::load_mirrors(connection_);
    batches_.batch().put_mirrors(table->all(), meta_);
    meta_.mirrors_rev = table->rev();
    batches_.batch().put_meta(meta_);
  }

  std::int64_t shrink_cohorts() {
    std::int64_t changed = 0;
    snapshot_.each_cohort_above(meta_.rev, [&](const std::vector<Cohort>& page) {
      for (const Cohort& cohort : page) {
        Batch& batch = batches_.batch();
        const bool is_new = !batch.has_cohort(cohort.id);
        batch.put_cohort(cohort.id,
                         is_new ? cohort.mirrors : common(batch.cohort(cohort.id), cohort.mirrors));
        batches_.written(cohort.mirrors.size() * sizeof(MirrorId));
        ++changed;
      }
    });
    return changed;
  }

  std::int64_t put_files() {
    std::int64_t changed = 0;
    std::set<std::int64_t> known;
    const HashParts parts = meta_.hashes ? HashParts::all : HashParts::redirect;
    snapshot_.each_file_above(meta_.rev, parts, [&](std::vector<FeedFile>& page) {
      add_unknown_cohorts(snapshot_, batches_.batch(), page, known);
      for (const FeedFile& file : page) {
        batches_.batch().put(file);
        batches_.written(bytes_of(file));
        ++changed;
      }
    });
    return changed;
  }

  void complete_cohorts() {
    snapshot_.each_cohort_above(meta_.rev, [&](const std::vector<Cohort>& page) {
      for (const Cohort& cohort : page) {
        batches_.batch().put_cohort(cohort.id, cohort.mirrors);
        batches_.written(cohort.mirrors.size() * sizeof(MirrorId));
      }
    });
  }

  void finish() {
    const db::FeedState& state = snapshot_.state();
    meta_.rev = state.rev;
    meta_.token = state.token;
    meta_.grace_s = state.grace_s;
    meta_.as_of_s = now_s();
    if (static_cast<double>(meta_.as_of_s - meta_.swept_s) > kSweepEverySeconds) {
      batches_.batch().sweep(meta_.as_of_s, meta_.grace_s);
      meta_.swept_s = meta_.as_of_s;
    }
    batches_.batch().put_meta(meta_);
    batches_.commit();
  }

  db::FeedSnapshot& snapshot_;
  db::Connection& connection_;
  Batches batches_;
  Meta meta_;
};

}  // namespace

bool same_state(const db::FeedState& state, const catalog::Meta& meta) {
  return state.rev == meta.rev && state.token == meta.token &&
         state.mirrors_rev == meta.mirrors_rev && state.grace_s == meta.grace_s;
}

std::optional<Pulled> pull_changes(db::FeedSnapshot& snapshot, db::Connection& connection,
                                   Environment& environment, bool mirrors_anyway,
                                   const std::atomic<bool>& stop, std::int64_t batch_bytes) {
  try {
    return Pull(snapshot, connection, environment, stop, batch_bytes).run(mirrors_anyway);
  } catch (const Stopped&) {
    return std::nullopt;
  }
}

bool load_everything(db::FeedSnapshot& snapshot, db::Connection& connection,
                     Environment& environment, bool hashes, const std::atomic<bool>& stop) {
  Batches batches(environment, stop);
  Meta meta;
  meta.hashes = hashes;
  try {
    snapshot.each_cohort_above(-1, [&](const std::vector<Cohort>& page) {
      for (const Cohort& cohort : page) {
        batches.batch().put_cohort(cohort.id, cohort.mirrors);
        batches.written(cohort.mirrors.size() * sizeof(MirrorId));
      }
    });
    snapshot.each_file_above(0, hashes ? HashParts::all : HashParts::redirect,
                             [&](std::vector<FeedFile>& page) {
                               for (const FeedFile& file : page) {
                                 batches.batch().append(file);
                                 batches.written(bytes_of(file));
                               }
                             });
    const auto table = db::load_mirrors(connection);
    batches.batch().put_mirrors(table->all(), meta);
    const db::FeedState& state = snapshot.state();
    meta.rev = state.rev;
    meta.token = state.token;
    meta.grace_s = state.grace_s;
    meta.mirrors_rev = table->rev();
    meta.complete = true;
    meta.as_of_s = meta.swept_s = now_s();
    batches.batch().put_meta(meta);
    batches.commit();
  } catch (const Stopped&) {
    return false;
  }
  environment.sync();
  return true;
}

}  // namespace mirror
