#include "hashing/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <future>
#include <map>

#include "core/path.h"
#include "db/merge/merge.h"
#include "hashing/pool.h"

namespace mirror::hash {
namespace {

using Clock = std::chrono::steady_clock;
// Every file that is queued, hashed or being stored has an advisory lock, of which PostgreSQL has
// room for some 6,400 by default, for all runs together.
constexpr std::int32_t kPageRows = 512;
constexpr std::size_t kEnoughQueued =
    256;  // small files: as many as are hashed while the next page is claimed
constexpr std::size_t kMostClaimed =
    2500;  // and a page more; files to be done again and hard links come on top
constexpr std::size_t kGroupFiles = 1024;     // stored at once: at most so many files,
constexpr std::size_t kGroupBytes = 8 << 20;  // so many bytes of hashes,
constexpr std::int64_t kGroupRead =
    64 << 20;  // so many bytes read, so that a killed run has a large file stored,
constexpr std::chrono::milliseconds kGroupTime(200);  // or what has come in this time
constexpr int kAttempts = 3;
constexpr int kMostThreads = 256;
constexpr std::size_t kMaxLinks =
    100'000;  // inodes remembered at a time; of more, further paths are read again
constexpr std::int64_t kSettleNs =
    50'000'000;  // a file changed so lately may change again within the same tick of its clock

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// The digests in which what was read differs from what is stored; "" when nothing can be compared
// or nothing differs.
std::string difference(const FileHashes& stored, const FileHashes& read) {
  static constexpr std::pair<const char*, std::string FileHashes::*> kCompared[] = {
      {"md5", &FileHashes::md5},
      {"sha1", &FileHashes::sha1},
      {"sha256", &FileHashes::sha256},
      {"sha512", &FileHashes::sha512},
      {"pieces", &FileHashes::sha1_pieces},
      {"pieces root", &FileHashes::pieces_root}};
  std::string names;
  for (const auto& [name, member] : kCompared) {
    const std::string &a = stored.*member, &b = read.*member;
    if (!a.empty() && !b.empty() && a != b)
      names += (names.empty() ? "" : ", ") + std::string(name);
  }
  return names;
}

int cores() {
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMostThreads);
}

bool in_bucket(std::string_view source) { return source.starts_with("s3://"); }

class Run {
 public:
  Run(const Plan& plan, Observer& report, const StopSignal& stop)
      : plan_(plan),
        report_(report),
        stop_(stop),
        kinds_(plan.kinds),
        connection_(plan.connect()),
        shared_{open_tree(), open_bucket(), kinds_, Throttle(plan.max_bytes_per_s, stop.asked()),
                stop.asked()},
        pool_(shared_, plan.threads > 0 ? plan.threads : cores()) {
    if (!report.wants_progress()) return;
    for (const std::string& subtree : plan.subtrees) {
      bytes_total_ +=
          db::hash_backlog(connection_, subtree, kinds_, plan.verify || plan.force).bytes;
    }
  }

  Counts run() {
    for (const std::string& subtree : plan_.subtrees) walk(subtree);
    look_at(plan_.file_ids);
    while (!over() && (pool_.in_hand() > 0 || !found_.empty() || !later_.empty())) {
      if (pool_.in_hand() == 0) store_all();
      if (pool_.in_hand() == 0) again();
      collect();
    }
    store_all();
    counts_.verified = plan_.verify;
    counts_.interrupted = stop_.asked();
    count();
    return counts_;
  }

 private:
  const SourceTree* open_tree() {
    return in_bucket(plan_.source) ? nullptr : &tree_.emplace(plan_.source);
  }

  s3::Folder* open_bucket() {
    return in_bucket(plan_.source) ? &bucket_.emplace(plan_.source, plan_.ca_file) : nullptr;
  }

  // Of an object: what the last scan found. Whether it is still so shows when it is read.
  std::optional<FileStatus> status_of_source(const db::HashTarget& target) {
    if (tree_) return tree_->status(target.path);
    FileStatus status;
    status.size_bytes = target.size_bytes, status.mtime_s = target.mtime_s;
    status.regular = true;
    return status;
  }

  using LinkKey = std::pair<std::uint64_t, std::uint64_t>;
  struct Links {  // the paths of one inode, from the first that is read until all have been met
    FileStatus status;
    std::int64_t file_id = 0;  // of the one that was read; 0: it is being read
    std::int64_t unseen = 0;
    std::vector<Job> waiting;
  };

  // Asked to stop, or out of time: the threads let go of the files in hand then.
  bool over() {
    if (plan_.max_seconds > 0 &&
        std::chrono::duration<double>(Clock::now() - started_).count() > plan_.max_seconds)
      shared_.over = true;
    return stop_.asked() || shared_.over;
  }

  void walk(const std::string& subtree) {
    std::string after;
    while (!over()) {
      page_rev_ = db::newest_rev(connection_);
      our_revs_.clear();
      const auto page =
          db::list_hash_targets(connection_, subtree, after, kinds_, kPageRows, plan_.touched_only);
      if (page.empty()) {
        if (after.empty() && !plan_.touched_only) tell_of_none(subtree);
        return;
      }
      after = page.back().path;
      begin(chosen_of(page));
    }
  }

  void look_at(const std::vector<std::int64_t>& ids) {
    for (auto from = ids.begin(); from != ids.end() && !over();) {
      const auto to = from + std::min<std::ptrdiff_t>(kPageRows, ids.end() - from);
      page_rev_ = db::newest_rev(connection_);
      our_revs_.clear();
      begin(chosen_of(db::find_hash_targets(connection_, std::vector(from, to), kinds_)));
      from = to;
    }
  }

  void tell_of_none(const std::string& subtree) {
    counts_.found_none = true;
    report_.warning(subtree.empty()
                        ? "the source has no files yet (mb-scan --source lists it)"
                        : fmt::format("the source has no file '{}', and none below it: is it "
                                      "spelt right, and listed by mb-scan --source?",
                                      printable(subtree)));
  }

  std::vector<Job> chosen_of(const std::vector<db::HashTarget>& targets) {
    std::vector<Job> chosen;
    look_for_signatures(targets);
    for (const db::HashTarget& target : targets) {
      if (std::optional<Job> job = choose(target)) chosen.push_back(std::move(*job));
    }
    return chosen;
  }

  void look_for_signatures(const std::vector<db::HashTarget>& targets) {
    if (bucket_ && kinds_.signature && !plan_.verify) signatures_.find(connection_, targets);
  }

  std::int64_t signature_stamp(const Job& job) {
    return tree_ ? tree_->signature_ctime(job.target.path) : job.signature.stamp();
  }

  // What is to be done about a file, and nothing when nothing is. REQUIRES: look_for_signatures()
  // has looked for its.
  std::optional<Job> choose(const db::HashTarget& target) {
    const std::optional<FileStatus> status = status_of_source(target);
    if (!status && errno == EACCES) {
      if (!target.staged) fail(target.path, "cannot be read: Permission denied");
      return std::nullopt;
    }
    if (!status && errno != ENOENT && errno != ENOTDIR && errno != ELOOP && errno != EXDEV) {
      fail(target.path, fmt::format("cannot be examined: {}", std::strerror(errno)));
      return std::nullopt;
    }
    if (!status || !status->regular || status->size_bytes != target.size_bytes ||
        status->mtime_s != target.mtime_s) {
      ++counts_.waiting;
      report_.file(target.path, "waiting", "not what the last mb-scan --source found", false);
      return std::nullopt;
    }
    Job job{target, *status};
    if (bucket_)
      job.signature = signatures_.of(target.path);
    else
      job.is_signed = kinds_.signature && tree_->may_have_signature(target.path);
    if (plan_.verify) {
      if (target.known && !target.pending) return job;
      ++counts_.unchanged;
      return std::nullopt;
    }
    job.content = plan_.force || target.lacks || target.pending ||
                  (target.ctime_ns && *target.ctime_ns != status->ctime_ns);
    if (job.content || (kinds_.signature && target.signature_ctime_ns != signature_stamp(job)))
      return job;
    ++counts_.unchanged;
    return std::nullopt;
  }

  // Claims them, looks once more, since another mb-hash may just have been done with one, and hands
  // them to the threads.
  void begin(std::vector<Job> jobs) {
    if (group_.size() + found_.size() + pool_.in_hand() > kMostClaimed) store_all();
    if (!jobs.empty() && !plan_.verify) jobs = claimed(std::move(jobs));
    for (Job& job : jobs) submit(std::move(job));
    while (!over() && pool_.queued() > kEnoughQueued) collect();
    store_if_due();
  }

  std::vector<Job> claimed(std::vector<Job> jobs) {
    std::vector<std::int64_t> ids;
    for (const Job& job : jobs) ids.push_back(job.target.file_id);
    const std::vector<std::int64_t> ours = db::claim_files(connection_, ids);
    counts_.elsewhere += static_cast<std::int64_t>(ids.size() - ours.size());
    if (ours.size() == jobs.size() && !others_merged()) return jobs;
    std::map<std::int64_t, db::HashTarget> fresh;
    std::vector<db::HashTarget> targets = db::find_hash_targets(connection_, ours, kinds_);
    look_for_signatures(targets);
    for (db::HashTarget& target : targets) fresh[target.file_id] = std::move(target);
    std::vector<std::int64_t> idle;
    std::vector<Job> chosen;
    std::map<std::int64_t, const db::HashTarget*> before;
    for (const Job& job : jobs) before[job.target.file_id] = &job.target;
    for (const std::int64_t id : ours) {
      const auto found = fresh.find(id);
      std::optional<Job> job;
      // Even --force does not read what another mb-hash has read a moment ago.
      if (found != fresh.end() && (!before[id]->lacks || found->second.lacks))
        job = choose(found->second);
      job ? chosen.push_back(std::move(*job)) : idle.push_back(id);
    }
    if (!idle.empty()) db::release_files(connection_, idle);
    return chosen;
  }

  // The group that is being stored may be merged already without our knowing its revision.
  bool others_merged() {
    if (!db::others_merged(connection_, page_rev_, our_revs_)) return false;
    if (!storing_.valid()) return true;
    finish_storing();
    return db::others_merged(connection_, page_rev_, our_revs_);
  }

  void submit(Job job) {
    if (job.content && job.attempts < kAttempts && now_ns() - job.status.ctime_ns < kSettleNs) {
      ++job.attempts;
      later_.push_back(std::move(job));
    } else if (!job.content || job.status.links < 2 || plan_.verify || !read_already(job)) {
      pool_.submit(std::move(job));
    }
  }

  // Whether another path of the same inode has been read or is being read: then the job is taken
  // care of.
  bool read_already(Job& job) {
    const LinkKey key{job.status.device, job.status.inode};
    const auto found = links_.find(key);
    if (found == links_.end()) {
      if (links_.size() < kMaxLinks) links_[key].unseen = job.status.links - 1;
      return false;
    }
    Links& links = found->second;
    --links.unseen;
    if (links.file_id == 0) {
      links.waiting.push_back(std::move(job));
      return true;
    }
    const auto is_it = [&](const db::HashResult& result) {
      return result.file_id == links.file_id;
    };
    if (std::any_of(found_.begin(), found_.end(), is_it)) store();
    if (std::any_of(group_.begin(), group_.end(), is_it)) finish_storing();
    const std::optional<FileHashes> hashes = db::load_hashes(connection_, links.file_id);
    if (!hashes || !job.status.same_content(links.status)) return false;
    link(std::move(job), *hashes);
    if (links.unseen <= 0) links_.erase(found);
    return true;
  }

  // What could not be done while it changed.
  void again() {
    std::vector<Job> jobs = std::exchange(later_, {});
    std::vector<db::HashTarget> targets;
    for (const Job& job : jobs) targets.push_back(job.target);
    look_for_signatures(targets);
    for (Job& job : jobs) {
      std::optional<Job> now = choose(job.target);
      if (!now) {
        release({job.target.file_id});
        continue;
      }
      now->attempts = job.attempts;
      if (now_ns() - now->status.ctime_ns < kSettleNs)
        std::this_thread::sleep_for(std::chrono::nanoseconds(kSettleNs));
      submit(std::move(*now));
    }
  }

  void collect() {
    for (Done& done : pool_.take(kGroupTime)) {
      if (plan_.verify)
        verify(done);
      else
        settle(std::move(done));
    }
    store_if_due();
    if (report_.wants_progress()) {
      count();
      report_.progress(counts_, std::max(bytes_total_, counts_.bytes));
    }
  }

  void settle(Done done) {
    const db::HashTarget& target = done.job.target;
    if (!done.signature_error.empty()) fail(target.path, done.signature_error);
    const LinkKey key{done.job.status.device, done.job.status.inode};
    std::vector<Job> waiting;
    if (const auto entry = links_.find(key); done.job.content && entry != links_.end()) {
      waiting = std::exchange(entry->second.waiting, {});
      entry->second.status = done.job.status;
      entry->second.file_id = target.file_id;
      if (done.outcome != FileOutcome::hashed || entry->second.unseen <= 0) links_.erase(entry);
    }
    if (done.outcome == FileOutcome::hashed) {
      for (Job& job : waiting) {
        if (job.status.same_content(done.job.status))
          link(std::move(job), done.hashes);
        else
          submit(std::move(job));
      }
      if (done.job.content) report_.file(target.path, "hashed", "", false);
      done.job.content ? ++counts_.hashed : ++counts_.signatures;
      keep({target.file_id, target.version_rev, target.size_bytes, target.mtime_s,
            done.job.content ? std::optional(done.job.status.ctime_ns) : std::nullopt,
            done.signature_ctime_ns, std::move(done.hashes)});
      return;
    }
    for (Job& job : waiting) submit(std::move(job));  // each for itself
    if (done.outcome == FileOutcome::changed && ++done.job.attempts < kAttempts) {
      later_.push_back(std::move(done.job));
      return;
    }
    if (done.outcome == FileOutcome::failed) {
      if (!target.staged) fail(target.path, done.error);
    } else if (done.outcome != FileOutcome::stopped) {
      ++counts_.waiting;
      report_.file(target.path, "waiting", "it changes while it is read", false);
    }
    release({target.file_id});
  }

  // Another path of the same inode: only the name in the info hashes differs.
  void link(Job job, const FileHashes& hashes) {
    db::HashResult result{job.target.file_id,
                          job.target.version_rev,
                          job.target.size_bytes,
                          job.target.mtime_s,
                          job.status.ctime_ns,
                          std::nullopt,
                          hashes};
    digest::add_info_hashes(result.hashes, job.target.path, job.target.size_bytes);
    result.hashes.signature.clear();
    result.hashes.signature_kind = SignatureKind::none;
    if (kinds_.signature) read_signature(*tree_, job, result.hashes, result.signature_ctime_ns);
    report_.file(job.target.path, "hashed", "a hard link", false);
    ++counts_.hashed;
    ++counts_.linked;
    keep(std::move(result));
  }

  void verify(const Done& done) {
    const db::HashTarget& target = done.job.target;
    if (done.outcome == FileOutcome::stopped) return;
    if (done.outcome == FileOutcome::failed) return fail(target.path, done.error);
    if (done.outcome != FileOutcome::hashed) {
      ++counts_.waiting;
      return;
    }
    const std::optional<FileHashes> stored = db::load_hashes(connection_, target.file_id);
    const std::string differs = stored ? difference(*stored, done.hashes) : "";
    differs.empty() ? ++counts_.hashed : ++counts_.differ;
    if (differs.empty())
      report_.file(target.path, "agrees", "", false);
    else
      report_.file(target.path, "differs",
                   fmt::format("its content is not what was hashed: {} differ", differs), true);
  }

  void keep(db::HashResult result) {
    const FileHashes& hashes = result.hashes;
    found_bytes_ += 1000 + hashes.sha1_pieces.size() + hashes.piece_layer.size() +
                    hashes.zsync.sums.size() + hashes.signature.size();
    found_read_ += result.ctime_ns ? result.size_bytes : 0;
    if (found_.empty()) found_since_ = Clock::now();
    found_.push_back(std::move(result));
  }

  bool full() const {
    return found_.size() >= kGroupFiles || found_bytes_ >= kGroupBytes || found_read_ >= kGroupRead;
  }

  void store_if_due() {
    if (storing_.valid() && storing_.wait_for(std::chrono::seconds(0)) == std::future_status::ready)
      finish_storing();
    if (full() || (!storing_.valid() && Clock::now() - found_since_ >= kGroupTime)) store();
  }

  // Beside the hashing, when the group before is stored.
  void store() {
    finish_storing();
    if (found_.empty()) return;
    group_ = std::exchange(found_, {});
    found_bytes_ = 0;
    found_read_ = 0;
    if (!store_connection_) store_connection_.emplace(plan_.connect());
    storing_ = std::async(std::launch::async,
                          [this] { return db::store_hashes(*store_connection_, group_); });
  }

  void store_all() {
    store();
    finish_storing();
  }

  void finish_storing() {
    if (!storing_.valid()) return;
    const db::StoredHashes stored = storing_.get();
    counts_.new_versions += stored.new_versions;
    our_revs_.push_back(stored.rev);
    const auto dropped = static_cast<std::int64_t>(group_.size()) - stored.stored;
    counts_.hashed -= dropped;  // the source scan was faster
    counts_.waiting += dropped;
    std::vector<std::int64_t> ids;
    for (const db::HashResult& result : group_) ids.push_back(result.file_id);
    release(ids);
    group_.clear();
  }

  void release(const std::vector<std::int64_t>& ids) {
    if (!plan_.verify) db::release_files(connection_, ids);
  }

  void fail(const std::string& path, const std::string& why) {
    ++counts_.failed;
    report_.file(path, "failed", why, true);
  }

  void count() {
    counts_.bytes = shared_.bytes_read;
    counts_.seconds = std::chrono::duration<double>(Clock::now() - started_).count();
  }

  const Plan& plan_;
  Observer& report_;
  const StopSignal& stop_;
  const HashKinds kinds_;
  db::Connection connection_;
  std::optional<db::Connection> store_connection_;
  std::optional<SourceTree> tree_;  // one of the two
  std::optional<s3::Folder> bucket_;
  BucketSignatures signatures_;  // of its objects
  Shared shared_;
  Pool pool_;
  Counts counts_;
  std::int64_t bytes_total_ = 0;
  std::map<LinkKey, Links> links_;
  std::vector<Job> later_;
  std::int64_t page_rev_ = 0;           // the newest revision when the page was listed,
  std::vector<std::int64_t> our_revs_;  // and what we have merged since
  std::vector<db::HashResult> found_;
  std::size_t found_bytes_ = 0;
  std::int64_t found_read_ = 0;
  Clock::time_point found_since_;
  std::vector<db::HashResult>
      group_;  // what is being stored, by another thread until storing_ is ready
  std::future<db::StoredHashes> storing_;
  const Clock::time_point started_ = Clock::now();
};

}  // namespace

Counts hash_or_verify(const Plan& plan, Observer& observer, const StopSignal& stop) {
  return Run(plan, observer, stop).run();
}

}  // namespace mirror::hash
