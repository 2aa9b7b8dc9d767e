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

constexpr int kPage = 200;
constexpr double kRequests = 1200;  // of a mirror, in a minute
constexpr double kBurst = 800;      // of these at once
constexpr double kLookAgain_s = 300;
constexpr double kLone_s = 3600;  // folders that lost their only files belong together for so long
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

std::string folder_around(std::string folder, const std::string& other) {
  while (!folder.empty() && !is_below(other, folder)) folder.resize(parent_folder(folder).size());
  return folder;
}

}  // namespace

// One file on one mirror: by HEAD, and if it is missing, some seconds later by GET, over each way.
struct FolderChecks::Run {
  MirrorId id;
  Way way;
  std::string folder;
  db::ProbeFile file;
  std::vector<CheckTarget> targets;  // what is still to be asked; the next one last
  std::chrono::steady_clock::time_point started;
  std::optional<Check> check;
  std::string reason;  // of the first answer
  bool again = false;  // the second look
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
          .try_emplace(id, Doubted{.folders = {},
                                   .looked = {},
                                   .second = {},
                                   .missing = {},
                                   .requests = TokenBucket(kRequests, loop_ ? kBurst : kRequests),
                                   .lone = {}})
          .first->second;
  std::erase_if(mirror.looked, [&](const auto& at) { return at.second + kLookAgain_s < now_s_; });
  const bool known =
      std::any_of(mirror.folders.begin(), mirror.folders.end(),
                  [&](const Folder& one) { return is_below(folder.path, one.path); });
  if (known || mirror.looked.contains(folder.path) || mirror.folders.size() >= kMostFolders) return;
  const auto at = first && !mirror.folders.empty()
                      ? mirror.folders.begin() + (mirror.running_first > 0)
                      : mirror.folders.end();
  mirror.folders.insert(at, std::move(folder));
  next_s_ = 0;
}

void FolderChecks::step(db::Connection& connection, const PathRules& rules, double now_s) {
  now_s_ = now_s;
  next_s_ = now_s_ + kLookAgain_s;
  if (std::none_of(mirrors_.begin(), mirrors_.end(),
                   [](const auto& mirror) { return mirror.second.busy(); }))
    return;
  drop_wrong();
  const auto ways = fleet_.ways_up();
  for (auto& [id, mirror] : mirrors_) {
    if (!mirror.busy()) continue;
    withdraw_missing(connection, id, mirror);
    if (mirror.spent) continue;
    go_on(connection, id, mirror);
    const auto up = ways.find(id);
    if (up == ways.end() || rests_.has(id, now_s_)) {  // its files tell nothing now
      wake_at(now_s_ + kHeld_s);
      continue;
    }
    start_second(mirror);
    start(mirror, up->second, rules);
    if (!mirror.second.empty()) wake_at(std::max(mirror.second.front().first, now_s_ + kStep_s));
    if (!mirror.folders.empty() && mirror.running == 0) wake_at(now_s_ + kStep_s);
  }
}

// It gets no redirects any more, and is soon known well enough by ordinary checks.
void FolderChecks::drop_wrong() {
  for (const Item* item : fleet_.items()) {
    if (item->mirror->mirror.standing != Standing::wrong) continue;
    const auto found = mirrors_.find(item->mirror->mirror.id);
    if (found == mirrors_.end()) continue;
    found->second.folders.clear();
    found->second.second.clear();
    found->second.missing.clear();
  }
}

// To the next page, or the next folder, as soon as the first look at this one has ended.
void FolderChecks::go_on(db::Connection& connection, MirrorId id, Doubted& mirror) {
  if (mirror.folders.empty()) return;
  Folder& folder = mirror.folders.front();
  if (mirror.running_first > 0 || !folder.waiting.empty()) return;
  const bool wants_more = !folder.began || folder.page_has_missing;
  if (!wants_more || !folder.more) return end_folder(id, mirror);
  next_page(connection, id, mirror);
}

void FolderChecks::next_page(db::Connection& connection, MirrorId id, Doubted& mirror) const {
  Folder& folder = mirror.folders.front();
  if (folder.path == kNewest) mirror.newest_there = 0;
  db::FolderFiles page;
  if (folder.path == kNewest)
    page.files = db::files_of_mirror(connection, id, folder.newest);
  else
    page = db::list_folder_files(connection, id, folder.path, folder.after, kPage);
  folder.began = !page.files.empty();
  folder.more = page.next.has_value();
  folder.after = page.next.value_or("");
  folder.page_has_missing = false;
  for (db::ProbeFile& file : page.files) {
    const bool known = std::any_of(mirror.missing.begin(), mirror.missing.end(), [&](auto& one) {
      return one.second.looked_again.contains(file.id);
    });
    if (known)
      folder.page_has_missing = true;
    else
      folder.waiting.push_back(std::move(file));
  }
}

// What second looks have shown: of a folder together, or a page of it; of the newest files all.
void FolderChecks::withdraw_missing(db::Connection& connection, MirrorId id, Doubted& mirror) {
  const bool newest_go_on = !mirror.folders.empty() && mirror.folders.front().path == kNewest;
  for (auto& [folder, missing] : mirror.missing) {
    const bool newest = folder == kNewest;
    const bool is_page = !newest && missing.not_there.size() >= kPage;
    if (is_page || (missing.looked_again.empty() && !(newest && newest_go_on)))
      withdraw(connection, id, folder, missing);
  }
  std::erase_if(mirror.missing, [](const auto& one) {
    return one.second.looked_again.empty() && one.second.not_there.empty();
  });
}

void FolderChecks::note_loss(MirrorId id, const std::string& folder, Missing& missing,
                             std::int64_t withdrawn) {
  const std::int64_t lost = std::exchange(missing.lost, 0),
                     behind = std::exchange(missing.behind, 0);
  if (withdrawn == 0) return;
  if (folder == kNewest)
    losses_.push_back({id, std::min(behind, withdrawn), "", missing.reason,
                       mirrors_.at(id).newest_there + behind});
  else if (lost > 0)
    losses_.push_back({id, std::min(lost, withdrawn), folder, missing.reason, 0});
}

void FolderChecks::withdraw(db::Connection& connection, MirrorId id, const std::string& folder,
                            Missing& missing) {
  if (missing.not_there.empty()) return;
  const std::int64_t files = db::withdraw_files(connection, missing.not_there);
  missing.not_there.clear();
  note_loss(id, folder, missing, files);
  if (files == 0) return;
  std::string name = std::to_string(id);
  for (const Item* item : fleet_.items())
    if (item->mirror->mirror.id == id) name = item->name();
  const std::string where =
      folder == kNewest ? "among its newest" : fmt::format("below '{}/'", printable(folder));
  reporter_.warning(fmt::format("mirror '{}': {} more {} {} withdrawn: {}", name, files,
                                files == 1 ? "file is" : "files are", where, missing.reason));
}

void FolderChecks::end_folder(MirrorId id, Doubted& mirror) {
  const Folder folder = std::move(mirror.folders.front());
  mirror.folders.pop_front();
  mirror.looked[folder.path] = now_s_;
  if (folder.path == kNewest || folder.there > 0) return;
  Folder next;
  next.path = next_folder(mirror, folder);
  doubt(id, std::move(next), true);
}

// After a folder that has lost all; empty: none.
std::string FolderChecks::next_folder(Doubted& mirror, const Folder& ended) const {
  std::string above(parent_folder(ended.path));
  if (ended.missing >= kFewestMissing) return above;
  if (ended.unclear || ended.path == mirror.lone) return "";
  const std::string before = std::exchange(mirror.lone, ended.path);
  const double before_s = std::exchange(mirror.lone_s, now_s_);
  return before.empty() || now_s_ - before_s > kLone_s ? ""
                                                       : folder_around(std::move(above), before);
}

// `kept`: so many requests are left for others.
bool FolderChecks::has_room(Doubted& mirror, std::size_t kept) {
  if (mirror.running >= kMostAtATime || running_ >= kMostRunning) return false;
  if (mirror.requests.left(now_s_) >= 1 + static_cast<double>(kept)) return true;
  if (kept > 0 && !mirror.second.empty()) return false;
  mirror.spent = !loop_;
  wake_at(now_s_ + kStep_s);
  return false;
}

void FolderChecks::start_second(Doubted& mirror) {
  while (!mirror.second.empty() && mirror.second.front().first <= now_s_ && has_room(mirror, 0)) {
    const std::shared_ptr<Run> run = std::move(mirror.second.front().second);
    mirror.second.pop_front();
    begin(mirror, run);
  }
}

void FolderChecks::start(Doubted& mirror, const std::vector<const Item*>& ways,
                         const PathRules& rules) {
  if (mirror.folders.empty()) return;
  Folder& folder = mirror.folders.front();
  while (!folder.waiting.empty() && has_room(mirror, mirror.second.size() * ways.size())) {
    const auto run = run_of(mirror, std::move(folder.waiting.front()), ways, rules);
    folder.waiting.pop_front();
    ++mirror.running_first;
    begin(mirror, run);
  }
}

std::shared_ptr<FolderChecks::Run> FolderChecks::run_of(const Doubted& mirror, db::ProbeFile file,
                                                        const std::vector<const Item*>& ways,
                                                        const PathRules& rules) const {
  const Item& first = *ways.front();
  auto run = std::make_shared<Run>();
  run->id = first.mirror->mirror.id;
  run->way = first.way;
  run->folder = mirror.folders.front().path;
  run->file = std::move(file);
  const Job job{Job::Kind::presence, run->file, std::nullopt};
  for (auto way = ways.rbegin(); way != ways.rend(); ++way) {
    run->targets.push_back(check_target(*first.mirror, (*way)->way, job, rules));
    run->targets.back().by_get = true;
  }
  run->targets.push_back(run->targets.back());
  run->targets.back().by_get = mirror.head_lies;
  return run;
}

void FolderChecks::begin(Doubted& mirror, const std::shared_ptr<Run>& run) {
  run->started = std::chrono::steady_clock::now();
  run->check.emplace(std::move(run->targets.back()), check_options_);
  run->targets.pop_back();
  ++mirror.running;
  ++running_;
  ask(run);
}

void FolderChecks::ask(const std::shared_ptr<Run>& run) {
  mirrors_.at(run->id).requests.use(1);
  const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - run->started);
  net::PoolRequest request = run->check->request(spent);
  request.connection = net::PoolRequest::Connection::go_on;
  pool_.add(std::move(request), [this, run](net::PoolAnswer&& answer) {
    const std::optional<Verdict> verdict = run->check->take(answer, std::time(nullptr));
    verdict ? answered(run, *verdict) : ask(run);
  });
}

void FolderChecks::answered(const std::shared_ptr<Run>& run, const Verdict& verdict) {
  next_s_ = 0;
  Doubted& mirror = mirrors_.at(run->id);
  --mirror.running;
  --running_;
  const bool silent = verdict.outcome == CheckOutcome::bad && !verdict.of_file;
  if (verdict.wait_s)
    rests_.asked_for_time(run->id, *verdict.wait_s, now_s_);
  else if (silent || verdict.outcome == CheckOutcome::unknown)
    rests_.did_not_answer(run->id, now_s_);
  if (verdict.outcome == CheckOutcome::wrong_file && run->again && !run->targets.empty())
    return begin(mirror, run);
  if (const Item* const item = fleet_.find(run->id, run->way))
    reporter_.checked({*item, verdict, run->file.path, item->hysteresis.state()});
  run->again ? answered_again(mirror, *run, verdict) : answered_first(mirror, run, verdict);
}

void FolderChecks::answered_first(Doubted& mirror, const std::shared_ptr<Run>& run,
                                  const Verdict& verdict) {
  --mirror.running_first;
  if (verdict.outcome == CheckOutcome::good && run->folder == kNewest) ++mirror.newest_there;
  if (mirror.folders.empty() || mirror.folders.front().path != run->folder) return;
  Folder& folder = mirror.folders.front();
  if (verdict.outcome == CheckOutcome::good) ++folder.there;
  const bool asked_too_often = verdict.wait_s || verdict.outcome == CheckOutcome::unknown;
  if (asked_too_often) folder.waiting.push_back(run->file);
  folder.unclear |= verdict.outcome != CheckOutcome::good && !verdict.gone;
  if (verdict.outcome != CheckOutcome::wrong_file) return;
  folder.page_has_missing = true;
  if (verdict.gone) ++folder.missing;
  run->reason = verdict.reason;
  run->again = true;
  mirror.missing[run->folder].looked_again.insert(run->file.id);
  mirror.second.emplace_back(now_s_ + kSecondLook_s, run);
}

void FolderChecks::answered_again(Doubted& mirror, const Run& run, const Verdict& verdict) {
  const auto found = mirror.missing.find(run.folder);
  if (found == mirror.missing.end()) return;
  Missing& missing = found->second;
  missing.looked_again.erase(run.file.id);
  if (verdict.outcome == CheckOutcome::good) is_there_after_all(mirror, run.folder);
  if (verdict.outcome != CheckOutcome::wrong_file) return;
  missing.not_there.push_back({run.id, run.file.id, run.file.version_rev});
  missing.reason = run.reason;
  if (verdict.gone && source_has(source_, run.file.path)) ++missing.lost;
  if (is_behind(run.file, verdict)) ++missing.behind;
}

// A mirror that is ahead of our last look at the source is not.
bool FolderChecks::is_behind(const db::ProbeFile& file, const Verdict& verdict) const {
  if (verdict.gone) return source_has(source_, file.path);
  return verdict.older || source_has(source_, file.path, file.size_bytes);
}

// The folders above are in doubt no more.
void FolderChecks::is_there_after_all(Doubted& mirror, const std::string& folder) {
  mirror.head_lies = true;
  if (folder == kNewest) ++mirror.newest_there;
  if (!mirror.folders.empty() && is_below(folder, mirror.folders.front().path))
    ++mirror.folders.front().there;
}

// What does not answer, or rests, is not waited for.
bool FolderChecks::finished() const {
  const auto ways = fleet_.ways_up();
  return std::all_of(mirrors_.begin(), mirrors_.end(), [&](const auto& entry) {
    const Doubted& mirror = entry.second;
    return mirror.running == 0 && (!mirror.busy() || mirror.spent ||
                                   rests_.has(entry.first, now_s_) || !ways.contains(entry.first));
  });
}

}  // namespace mirror::probe
