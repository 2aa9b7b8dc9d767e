#include "feed/pull.h"

#include <algorithm>
#include <ctime>
#include <functional>
#include <iterator>
#include <optional>
#include <set>

#include "catalog/batch.h"
#include "catalog/codec.h"
#include "catalog/error.h"
#include "catalog/reader.h"
#include "db/lookup.h"

namespace mirror {
namespace {

using catalog::Batch;
using catalog::Environment;
using catalog::Meta;
using Cohort = db::FeedSnapshot::Cohort;
using Group = db::FeedSnapshot::Group;

constexpr double kSweepEverySeconds = 86400;
constexpr std::size_t kFormerBytes = 160;  // of a former version: its digests and numbers

struct Stopped {};

// Writes gather in memory until they are many; then one transaction does them in their order, and
// they are visible. So none is open while the database is waited for.
class Batches {
 public:
  using Write = std::function<void(Batch&)>;
  static constexpr std::int64_t kRecordOverhead =
      700;  // a change in the middle of the tree touches a page of its own now and then

  Batches(Environment& environment, const std::atomic<bool>& stop,
          std::int64_t batch_bytes = kBatchBytes)
      : environment_(environment), stop_(stop), batch_bytes_(batch_bytes) {}

  // `bytes` of records.
  void add(std::size_t bytes, Write write) {
    writes_.push_back(std::move(write));
    bytes_ += static_cast<std::int64_t>(bytes) + kRecordOverhead;
    if (bytes_ >= batch_bytes_) commit();
  }
  // Those that lost files in this batch or an earlier one, and have none left.
  void drop_empty_cohorts() {
    add(0, [this](Batch& batch) {
      note_lost_files(batch);
      batch.drop_empty(lost_files_);
    });
  }
  void commit() {
    if (!writes_.empty()) {
      Batch batch(environment_);
      for (const Write& write : writes_) write(batch);
      note_lost_files(batch);
      batch.commit();
    }
    writes_.clear();
    bytes_ = 0;
    if (stop_) throw Stopped();
  }

 private:
  void note_lost_files(const Batch& batch) {
    lost_files_.insert(batch.lost_files().begin(), batch.lost_files().end());
  }

  Environment& environment_;
  const std::atomic<bool>& stop_;
  const std::int64_t batch_bytes_;
  std::vector<Write> writes_;
  std::int64_t bytes_ = 0;
  std::set<std::int64_t> lost_files_;
};

std::size_t bytes_of(const FeedFile& file) {
  const FileHashes& hashes = file.hashes;
  return file.path.size() + hashes.sha1_pieces.size() + hashes.piece_layer.size() +
         hashes.zsync.sums.size() + hashes.signature.size();
}

std::size_t bytes_of(const Cohort& cohort) { return cohort.mirrors.size() * sizeof(MirrorId); }

std::size_t bytes_of(const Group& group) {
  std::size_t bytes = group.folder.size() + group.mirrors.size() * sizeof(MirrorId);
  for (const FormerVersion& version : group.former)
    bytes += kFormerBytes + version.path.size() + version.mirrors.size() * sizeof(MirrorId);
  return bytes;
}

void put_whole(Batch& batch, const Group& group) {
  if (group.anchored)
    batch.put_group(group.folder, group.mirrors, group.former);
  else
    batch.erase_group(group.folder);
}

// A page at once.
void append(Batches& batches, std::vector<FeedFile>& page) {
  std::size_t bytes = 0;
  for (const FeedFile& file : page) bytes += bytes_of(file) + Batches::kRecordOverhead;
  batches.add(bytes, [page = std::move(page)](Batch& batch) {
    for (const FeedFile& file : page) batch.append(file);
  });
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

void set_state(Meta& meta, const db::FeedState& state) {
  meta.rev = state.rev;
  meta.token = state.token;
  meta.grace_s = state.grace_s;
  meta.as_of_s = now_s();
}

bool has_mirrors(Environment& environment, const MirrorTable& table) {
  const catalog::Snapshot now(environment.shared_from_this());
  return now->meta().mirrors_rev == table.rev() &&
         catalog::encode_mirrors(now->mirrors()->all()) == catalog::encode_mirrors(table.all()) &&
         now->mirrors()->rules() == table.rules() && now->mirrors()->pause() == table.pause();
}

void put_mirrors(Batch& batch, const MirrorTable& table, Meta& meta) {
  batch.put_mirrors(table.all(), table.rules(), meta, table.pause());
  meta.mirrors_rev = table.rev();
}

class Pull {
 public:
  Pull(db::FeedSnapshot& snapshot, Environment& environment, const std::atomic<bool>& stop,
       std::int64_t batch_bytes)
      : snapshot_(snapshot),
        environment_(environment),
        batches_(environment, stop, batch_bytes),
        before_(meta_of(environment)) {}

  Pulled run() {
    Pulled pulled;
    if (snapshot_.state().rev != before_.rev) {
      shrink_groups();
      pulled.cohorts = shrink_cohorts();
      pulled.files = put_files();
      complete_cohorts();
      complete_groups();
      batches_.drop_empty_cohorts();
    }
    finish();
    return pulled;
  }

 private:
  std::int64_t shrink_cohorts() {
    std::int64_t changed = 0;
    snapshot_.each_cohort_above(before_.rev, [&](const std::vector<Cohort>& page) {
      for (const Cohort& cohort : page) {
        known_.insert(cohort.id);
        batches_.add(bytes_of(cohort), [cohort](Batch& batch) { shrink(batch, cohort); });
        ++changed;
      }
    });
    return changed;
  }

  static void shrink(Batch& batch, const Cohort& cohort) {
    const bool is_new = !batch.has_cohort(cohort.id);
    batch.put_cohort(cohort.id,
                     is_new ? cohort.mirrors : common(batch.cohort(cohort.id), cohort.mirrors));
  }

  // Before the files: a folder that became a group holds mirrors back at once, and one that gained
  // mirrors has them when its members are there.
  void shrink_groups() {
    groups_ = snapshot_.groups_above(before_.rev);
    for (const Group& group : groups_) {
      if (!group.anchored) continue;
      batches_.add(bytes_of(group), [&group](Batch& batch) {
        const auto old = batch.group(group.folder);
        batch.put_group(group.folder, old ? common(*old, group.mirrors) : group.mirrors,
                        group.former);
      });
    }
  }

  void complete_groups() {
    for (const Group& group : groups_) {
      batches_.add(bytes_of(group), [&group](Batch& batch) { put_whole(batch, group); });
    }
  }

  std::int64_t put_files() {
    std::int64_t changed = 0;
    const HashParts parts = before_.hashes ? HashParts::all : HashParts::redirect;
    snapshot_.each_file_above(before_.rev, parts, [&](std::vector<FeedFile>& page) {
      for (const Cohort& cohort : unknown_cohorts(page)) add_whole(cohort);
      for (FeedFile& file : page) {
        const std::size_t bytes = bytes_of(file);
        batches_.add(bytes, [file = std::move(file)](Batch& batch) { batch.put(file); });
        ++changed;
      }
    });
    return changed;
  }

  // A file may come to a cohort that has not changed for long, and that the catalog does not have
  // yet, for example after an interrupted pull.
  std::vector<Cohort> unknown_cohorts(const std::vector<FeedFile>& files) {
    std::vector<std::int64_t> unknown;
    {
      const catalog::Snapshot now(environment_.shared_from_this());
      for (const FeedFile& file : files) {
        if (!file.shown || file.link_target || !known_.insert(file.cohort_id).second) continue;
        if (!now->cohort(file.cohort_id)) unknown.push_back(file.cohort_id);
      }
    }
    return unknown.empty() ? std::vector<Cohort>() : snapshot_.cohorts(unknown);
  }

  void complete_cohorts() {
    snapshot_.each_cohort_above(before_.rev, [&](const std::vector<Cohort>& page) {
      for (const Cohort& cohort : page) add_whole(cohort);
    });
  }

  void add_whole(const Cohort& cohort) {
    batches_.add(bytes_of(cohort),
                 [cohort](Batch& batch) { batch.put_cohort(cohort.id, cohort.mirrors); });
  }

  void finish() {
    batches_.add(0, [state = snapshot_.state()](Batch& batch) {
      Meta meta = batch.meta();
      set_state(meta, state);
      if (static_cast<double>(meta.as_of_s - meta.swept_s) > kSweepEverySeconds) {
        batch.sweep(meta.as_of_s, meta.grace_s);
        meta.swept_s = meta.as_of_s;
      }
      batch.put_meta(meta);
    });
    batches_.commit();
  }

  db::FeedSnapshot& snapshot_;
  Environment& environment_;
  Batches batches_;
  const Meta before_;
  std::set<std::int64_t> known_;  // cohorts that the catalog has
  std::vector<Group> groups_;     // that changed
};

}  // namespace

bool same_state(const db::FeedState& state, const catalog::Meta& meta) {
  return state.rev == meta.rev && state.token == meta.token && state.grace_s == meta.grace_s;
}

bool pull_mirrors(db::Connection& connection, Environment& environment, bool anyway,
                  db::UnreadableRows& unreadable) {
  if (!anyway && db::mirrors_rev(connection) == meta_of(environment).mirrors_rev) return false;
  const auto table = db::load_mirrors(connection, &unreadable);
  if (has_mirrors(environment, *table)) return true;
  Batch batch(environment);
  Meta meta = batch.meta();
  put_mirrors(batch, *table, meta);
  batch.put_meta(meta);
  batch.commit();
  return true;
}

std::optional<Pulled> pull_changes(db::FeedSnapshot& snapshot, Environment& environment,
                                   const std::atomic<bool>& stop, std::int64_t batch_bytes) {
  try {
    return Pull(snapshot, environment, stop, batch_bytes).run();
  } catch (const Stopped&) {
    return std::nullopt;
  }
}

bool load_files(db::FeedSnapshot& snapshot, Environment& environment, bool hashes,
                const std::atomic<bool>& stop) {
  Batches batches(environment, stop);
  try {
    snapshot.each_cohort_above(-1, [&](const std::vector<Cohort>& page) {
      for (const Cohort& cohort : page) {
        batches.add(bytes_of(cohort),
                    [cohort](Batch& batch) { batch.put_cohort(cohort.id, cohort.mirrors); });
      }
    });
    const std::vector<Group> groups = snapshot.groups_above(-1);
    for (const Group& group : groups) {
      batches.add(bytes_of(group), [group](Batch& batch) {
        if (group.anchored) put_whole(batch, group);
      });
    }
    snapshot.each_file_above(0, hashes ? HashParts::all : HashParts::redirect,
                             [&](std::vector<FeedFile>& page) { append(batches, page); });
    batches.add(0, [&](Batch& batch) {
      Meta meta;
      meta.hashes = hashes;
      set_state(meta, snapshot.state());
      meta.swept_s = meta.as_of_s;
      batch.put_meta(meta);
    });
    batches.commit();
  } catch (const Stopped&) {
    return false;
  }
  environment.sync();
  return true;
}

void complete_load(db::Connection& connection, Environment& environment,
                   db::UnreadableRows& unreadable) {
  const auto table = db::load_mirrors(connection, &unreadable);
  Batch batch(environment);
  Meta meta = batch.meta();
  put_mirrors(batch, *table, meta);
  meta.complete = true;
  batch.put_meta(meta);
  batch.commit();
  environment.sync();
}

}  // namespace mirror
