#include "scanner/probe/folder_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <utility>

#include "core/path.h"
#include "db/probe/folder_files.h"
#include "scanner/check/check_target.h"
#include "scanner/probe/source_tree.h"

namespace mirror::probe {
namespace {

constexpr std::int32_t kPage = 200;
constexpr double kRequests = 1200;  // of a mirror, in a minute
constexpr double kBurst = 600;      // of these at once
constexpr double kLookAgain_s = 300;
constexpr double kStep_s = 0.05;
constexpr double kHeld_s = 5;             // until a mirror is looked at again that does not answer
constexpr int kMostRunning = 100;         // on all mirrors
constexpr int kMostAtATime = 8;           // on one mirror
constexpr std::size_t kMostFolders = 20;  // in doubt at a time
constexpr const char* kNewest = "/";      // in place of a folder's name, which no folder has
constexpr int kFewestMissing = 2;  // of a folder that has no others: then the one above is next

bool is_below(const std::string& path, const std::string& folder) {
  return path == folder || path.starts_with(folder + '/');
}

}  // namespace

// One file on one mirror: by HEAD, and if it is missing by GET, over each way.
struct FolderChecks::Run {
  MirrorId id;
  Way way;
  std::string folder;
  db::ProbeFile file;
  std::vector<CheckTarget> targets;  // what is still to be asked; the next one last
  std::chrono::steady_clock::time_point started;
  std::optional<Check> check;
  std::string reason;  // of the first answer
};

void FolderChecks::withdrawn(MirrorId id, const std::string& path,
                             std::vector<std::int64_t> newest) {
  Folder own, lately;
  own.path = parent_folder(path);
  doubt(id, std::move(own), false);
  lately.path = kNewest;
  lately.newest = std::move(newest);
  if (!lately.newest.empty()) doubt(id, std::move(lately), true);
}

// Files of the root are checked by chance alone: behind it lies the whole tree.
void FolderChecks::doubt(MirrorId id, Folder folder, bool first) {
  if (folder.path.empty()) return;
  Doubted& mirror =
      mirrors_
          .try_emplace(
              id, Doubted{{}, {}, TokenBucket(kRequests, loop_ ? kBurst : kRequests), 0, false})
          .first->second;
  std::erase_if(mirror.looked, [&](const auto& at) { return at.second + kLookAgain_s < now_s_; });
  const bool known =
      std::any_of(mirror.folders.begin(), mirror.folders.end(),
                  [&](const Folder& one) { return is_below(folder.path, one.path); });
  if (known || mirror.looked.contains(folder.path) || mirror.folders.size() >= kMostFolders) return;
  const auto at = first ? mirror.folders.begin() + (mirror.running > 0) : mirror.folders.end();
  mirror.folders.insert(at, std::move(folder));
  next_s_ = 0;
}

void FolderChecks::step(db::Connection& connection, const PathRules& rules, double now_s) {
  now_s_ = now_s;
  next_s_ = now_s_ + kLookAgain_s;
  if (std::all_of(mirrors_.begin(), mirrors_.end(),
                  [](const auto& mirror) { return mirror.second.folders.empty(); }))
    return;
  const auto ways = fleet_.ways_up();
  for (auto& [id, mirror] : mirrors_) {
    if (mirror.folders.empty() || mirror.spent) continue;
    go_on(connection, id, mirror);
    const auto up = ways.find(id);
    if (up == ways.end()) {  // its files tell nothing now
      next_s_ = std::min(next_s_, now_s_ + kHeld_s);
      continue;
    }
    start(mirror, up->second, rules);
    if (!mirror.folders.empty() && mirror.running == 0) next_s_ = now_s_ + kStep_s;
  }
}

// To the next page, or the next folder.
void FolderChecks::go_on(db::Connection& connection, MirrorId id, Doubted& mirror) {
  Folder& folder = mirror.folders.front();
  if (mirror.running > 0 || !folder.waiting.empty()) return;
  const bool wants_more = !folder.began || !folder.not_there.empty();
  end_page(connection, id, folder);
  if (!wants_more || !folder.more) return end_folder(id, mirror);
  next_page(connection, id, folder);
}

void FolderChecks::next_page(db::Connection& connection, MirrorId id, Folder& folder) const {
  db::FolderFiles page;
  if (folder.path == kNewest)
    page.files = db::files_of_mirror(connection, id, folder.newest);
  else
    page = db::list_folder_files(connection, id, folder.path, folder.after, kPage);
  folder.began = !page.files.empty();
  folder.more = page.next.has_value();
  folder.after = page.next.value_or("");
  for (db::ProbeFile& file : page.files) folder.waiting.push_back(std::move(file));
}

void FolderChecks::note_loss(MirrorId id, Folder& folder, std::int64_t withdrawn) {
  const std::int64_t lost = std::exchange(folder.lost, 0), behind = std::exchange(folder.behind, 0);
  if (withdrawn == 0) return;
  if (folder.path == kNewest)
    losses_.push_back({id, behind, "", folder.reason, folder.there + behind});
  else if (lost > 0)
    losses_.push_back({id, std::min(lost, withdrawn), folder.path, folder.reason, 0});
}

void FolderChecks::end_page(db::Connection& connection, MirrorId id, Folder& folder) {
  if (folder.not_there.empty()) return;
  const std::int64_t files = db::withdraw_files(connection, folder.not_there);
  folder.not_there.clear();
  note_loss(id, folder, files);
  if (files == 0) return;
  std::string name = std::to_string(id);
  for (const Item* item : fleet_.items())
    if (item->mirror->mirror.id == id) name = item->name();
  const std::string where = folder.path == kNewest
                                ? "among its newest"
                                : fmt::format("below '{}/'", printable(folder.path));
  reporter_.warning(fmt::format("mirror '{}': {} more {} {} withdrawn: {}", name, files,
                                files == 1 ? "file is" : "files are", where, folder.reason));
}

void FolderChecks::end_folder(MirrorId id, Doubted& mirror) {
  const Folder folder = std::move(mirror.folders.front());
  mirror.folders.pop_front();
  mirror.looked[folder.path] = now_s_;
  if (folder.path == kNewest || folder.there > 0 || folder.missing < kFewestMissing) return;
  Folder above;
  above.path = parent_folder(folder.path);
  doubt(id, std::move(above), true);
}

void FolderChecks::start(Doubted& mirror, const std::vector<const Item*>& ways,
                         const PathRules& rules) {
  if (mirror.folders.empty()) return;
  Folder& folder = mirror.folders.front();
  while (!folder.waiting.empty() && mirror.running < kMostAtATime && running_ < kMostRunning) {
    if (mirror.requests.left(now_s_) < 1) {
      mirror.spent = !loop_;
      next_s_ = now_s_ + kStep_s;
      return;
    }
    const Item& first = *ways.front();
    auto run = std::make_shared<Run>();
    run->id = first.mirror->mirror.id;
    run->way = first.way;
    run->folder = folder.path;
    run->file = std::move(folder.waiting.front());
    folder.waiting.pop_front();
    const Job job{Job::Kind::presence, run->file, std::nullopt};
    for (auto way = ways.rbegin(); way != ways.rend(); ++way) {
      run->targets.push_back(check_target(*first.mirror, (*way)->way, job, rules));
      run->targets.back().by_get = true;
    }
    run->targets.push_back(run->targets.back());
    run->targets.back().by_get = false;
    run->started = std::chrono::steady_clock::now();
    run->check.emplace(run->targets.back(), check_options_);
    run->targets.pop_back();
    ++mirror.running;
    ++running_;
    ask(run);
  }
}

void FolderChecks::ask(const std::shared_ptr<Run>& run) {
  mirrors_.at(run->id).requests.use(1);
  const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - run->started);
  net::PoolRequest request = run->check->request(spent);
  request.keep_connection = true;
  pool_.add(std::move(request), [this, run](net::PoolAnswer&& answer) {
    const std::optional<Verdict> verdict = run->check->take(answer, std::time(nullptr));
    verdict ? answered(run, *verdict) : ask(run);
  });
}

void FolderChecks::answered(const std::shared_ptr<Run>& run, const Verdict& verdict) {
  const bool wrong = verdict.outcome == CheckOutcome::wrong_file;
  if (run->reason.empty()) run->reason = verdict.reason;
  if (wrong && !run->targets.empty()) {
    run->started = std::chrono::steady_clock::now();
    run->check.emplace(run->targets.back(), check_options_);
    run->targets.pop_back();
    return ask(run);
  }
  next_s_ = 0;
  Doubted& mirror = mirrors_.at(run->id);
  --mirror.running;
  --running_;
  if (const Item* const item = fleet_.find(run->id, run->way))
    reporter_.checked({*item, verdict, run->file.path, item->hysteresis.state()});
  if (mirror.folders.empty() || mirror.folders.front().path != run->folder) return;
  Folder& folder = mirror.folders.front();
  if (verdict.outcome == CheckOutcome::good) ++folder.there;
  if (!wrong) return;
  folder.not_there.push_back({run->id, run->file.id, run->file.version_rev});
  folder.reason = run->reason;
  if (verdict.gone) {
    ++folder.missing;
    if (source_has(source_, run->file.path)) ++folder.lost;
  }
  if (is_behind(run->file, verdict)) ++folder.behind;
}

// A mirror that is ahead of our last look at the source is not.
bool FolderChecks::is_behind(const db::ProbeFile& file, const Verdict& verdict) const {
  if (verdict.gone) return !is_deleted(source_, file.path);
  return verdict.older || source_has(source_, file.path, file.size_bytes);
}

bool FolderChecks::finished() const {
  return std::all_of(mirrors_.begin(), mirrors_.end(), [](const auto& mirror) {
    return mirror.second.running == 0 && (mirror.second.folders.empty() || mirror.second.spent);
  });
}

}  // namespace mirror::probe
