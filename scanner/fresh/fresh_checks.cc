#include "scanner/fresh/fresh_checks.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <set>

#include "core/http_date.h"
#include "core/number.h"
#include "core/path.h"
#include "db/path_rules.h"
#include "db/probe/demand.h"
#include "db/scan_queue.h"
#include "scanner/fresh/head_verdict.h"

namespace mirror::fresh {
namespace {

constexpr std::int32_t kMostFiles = 5000;  // at a time; scans find the rest
constexpr double kRead_s = 2, kLook_s = 20, kWrite_s = 1;
constexpr double kFirstRetry_s = 10, kLastRetry_s = 300, kRetryShare = 0.05;  // of the age
constexpr double kRelease_s = 86400;
constexpr std::int32_t kMostAsked = 1000;
constexpr int kMostAtATime = 8;  // on one mirror
constexpr double kBurst_s = 3;   // so much of the budget may be used at once
constexpr int kYoungTries = 32;  // for a young file that a mirror has

HeadFacts facts_of(const net::PoolAnswer& answer) {
  HeadFacts facts;
  facts.size_bytes = whole_number<std::int64_t>(answer.header("Content-Length"));
  if (const std::int64_t time_s = parse_http_date(answer.header("Last-Modified")); time_s >= 0)
    facts.mtime_s = time_s;
  return facts;
}

}  // namespace

void FreshChecks::begin() {
  rev_ = -1;
  files_.clear();
  held_.clear();
  born_s_.clear();
  confirmed_.clear();
  withdrawn_.clear();
  for (auto& [id, mirror] : mirrors_) mirror.releases.clear();
}

void FreshChecks::set_mirrors(const std::vector<db::MirrorRecord>& mirrors) {
  std::map<MirrorId, Asked> kept;
  for (const db::MirrorRecord& record : mirrors) {
    Asked& asked = kept[record.mirror.id];
    if (const auto known = mirrors_.find(record.mirror.id); known != mirrors_.end())
      asked = std::move(known->second);
    else
      asked.requests = TokenBucket(options_.requests_per_minute,
                                   std::max(1.0, options_.requests_per_minute / 60.0 * kBurst_s));
    asked.record = record;
  }
  mirrors_ = std::move(kept);
  looked_s_ = -1;
}

void FreshChecks::step(db::Connection& connection, double now_s) {
  if (options_.requests_per_minute == 0) {
    next_s_ = now_s + kRelease_s;
    return;
  }
  now_s_ = now_s;
  write(connection);
  if (read_s_ < 0 || now_s_ - read_s_ >= kRead_s) read_new(connection);
  if (looked_s_ < 0 || now_s_ - looked_s_ >= kLook_s) look_again(connection);
  for (auto& [id, mirror] : mirrors_) start_due(mirror);
  plan_next();
}

void FreshChecks::read_new(db::Connection& connection) {
  read_s_ = now_s_;
  if (rev_ < 0) rev_ = db::first_fresh_rev(connection);
  db::FreshFiles fresh = db::read_fresh_files(connection, rev_, kMostFiles);
  rev_ = fresh.rev;
  if (fresh.files.empty()) return;
  rules_ = db::load_path_rules(connection);
  std::set<std::int64_t> changed;
  for (const db::FreshFile& file : fresh.files) changed.insert(file.id);
  std::erase_if(files_, [&](const auto& file) { return changed.contains(file->id); });
  for (db::FreshFile& file : fresh.files) {
    born_s_.try_emplace(file.release, now_s_ - static_cast<double>(file.age_s));
    files_.push_back(std::make_shared<const db::FreshFile>(std::move(file)));
  }
  looked_s_ = -1;
}

// Which of the files still are what they were, and to which mirrors their change has not come.
void FreshChecks::look_again(db::Connection& connection) {
  looked_s_ = now_s_;
  const auto is_old = [&](const auto& entry) { return now_s_ - entry.second > kRelease_s; };
  std::erase_if(born_s_, is_old);
  std::erase_if(other_content_, is_old);
  std::erase_if(files_, [&](const auto& file) { return !born_s_.contains(file->release); });
  held_.clear();
  if (files_.empty()) return;
  const Holdings holders = db::read_holders(connection, files_);
  std::erase_if(files_, [&](const auto& file) { return !holders.contains(file->id); });
  put_most_asked_first(connection);
  for (const auto& file : files_) {
    const std::vector<MirrorId>& mirrors = holders.at(file->id);
    if (!file->gone && !mirrors.empty()) held_.push_back({file->id, file->release, mirrors});
  }
  std::stable_sort(held_.begin(), held_.end(),
                   [](const auto& a, const auto& b) { return a.release > b.release; });
  for (auto& [id, mirror] : mirrors_) look_again(id, mirror, holders);
}

// Within a release. What clients ask for is known while no mirror has it yet.
void FreshChecks::put_most_asked_first(db::Connection& connection) {
  const std::map<std::int64_t, double> demand = db::read_demand(connection, kMostAsked);
  const auto times = [&demand](const auto& file) {
    const auto found = demand.find(file->id);
    return found == demand.end() ? 0 : found->second;
  };
  std::stable_sort(files_.begin(), files_.end(),
                   [&](const auto& a, const auto& b) { return times(a) > times(b); });
}

void FreshChecks::look_again(MirrorId id, Asked& mirror, const Holdings& holders) {
  const Releases before = std::exchange(mirror.releases, {});
  for (const auto& file : files_) {
    const std::vector<MirrorId>& has = holders.at(file->id);
    const bool listed = std::find(has.begin(), has.end(), id) != has.end();
    const bool differs = other_content_.contains({id, file->id, file->version_rev});
    if (listed == file->gone && (file->gone || !differs)) put(file, before, mirror.releases);
  }
}

void FreshChecks::put(const std::shared_ptr<const db::FreshFile>& file, const Releases& before,
                      Releases& releases) const {
  Release& release = releases[file->release];
  Wait wait{.file = file, .first = !file->gone && !rules_.is_immutable(file->path)};
  if (const auto known = before.find(file->release); known != before.end()) {
    release.there = known->second.there;
    release.due_s = known->second.due_s;
    release.next = known->second.next;
    const auto same = std::find_if(known->second.waits.begin(), known->second.waits.end(),
                                   [&](const Wait& old) { return old.file->id == file->id; });
    if (same != known->second.waits.end()) wait = *same;
    if (wait.done && confirmed_.empty() && withdrawn_.empty()) {  // it was undone since
      wait.done = false;
      wait.due_s = now_s_ + kLastRetry_s;
    }
  }
  release.waits.push_back(std::move(wait));
}

// Half of the time one of the newest eighth.
std::optional<std::int64_t> FreshChecks::young_file(MirrorId id) {
  std::uniform_real_distribution<double> share(0, 1);
  for (int tries = held_.empty() ? 0 : kYoungTries; tries > 0; --tries) {
    const double place = std::pow(share(random_), 3) * static_cast<double>(held_.size());
    const Holders& file = held_[std::min(static_cast<std::size_t>(place), held_.size() - 1)];
    if (std::binary_search(file.mirrors.begin(), file.mirrors.end(), id)) return file.file_id;
  }
  return std::nullopt;
}

std::vector<std::int64_t> FreshChecks::young_files(MirrorId id, std::size_t most) const {
  std::vector<std::int64_t> ids;
  for (const Holders& file : held_) {
    if (ids.size() == most) break;
    if (std::binary_search(file.mirrors.begin(), file.mirrors.end(), id))
      ids.push_back(file.file_id);
  }
  return ids;
}

bool FreshChecks::may_ask(Asked& mirror) const {
  return mirror.requests.left(now_s_) >= 1 && mirror.running < kMostAtATime &&
         !rests_.has(mirror.record.mirror.id, now_s_);
}

void FreshChecks::start_due(Asked& mirror) {
  const MirrorId id = mirror.record.mirror.id;
  for (auto& [rev, release] : mirror.releases)
    if (release.there) start_waits(id, rev, release, true);
  for (auto& [rev, release] : mirror.releases) {
    if (!may_ask(mirror)) return;
    start_release(id, rev, release);
  }
}

void FreshChecks::start_release(MirrorId id, std::int64_t rev, Release& release) {
  if (release.there) return start_waits(id, rev, release, false);
  if (release.due_s > now_s_ || release.waits.empty()) return;
  Wait& wait = release.waits[release.next++ % release.waits.size()];
  release.due_s = now_s_ + retry_s(mirrors_.at(id), rev);
  if (!wait.running && !wait.done) ask(id, rev, wait);
}

void FreshChecks::start_waits(MirrorId id, std::int64_t rev, Release& release, bool first) {
  Asked& mirror = mirrors_.at(id);
  for (Wait& wait : release.waits) {
    if (!may_ask(mirror)) return;
    const bool due = !wait.running && !wait.done && wait.due_s <= now_s_;
    if (due && wait.first == first) ask(id, rev, wait);
  }
}

// Young files are looked for more often, and all of them on a mirror where something has just
// changed: most likely its synchronisation goes on.
double FreshChecks::retry_s(const Asked& mirror, std::int64_t rev) const {
  const auto born = born_s_.find(rev);
  double age_s = born == born_s_.end() ? kRelease_s : now_s_ - born->second;
  if (mirror.moved_s >= 0) age_s = std::min(age_s, now_s_ - mirror.moved_s);
  return std::clamp(age_s * kRetryShare, kFirstRetry_s, kLastRetry_s);
}

// For a file of a release of which a part is there. That a mirror will never have the others of
// such releases must not take more than half of what it may be asked.
double FreshChecks::rest_retry_s(const Asked& mirror, std::int64_t rev) const {
  std::ptrdiff_t open = 0;
  for (const auto& [other, release] : mirror.releases) {
    if (release.there)
      open += std::count_if(release.waits.begin(), release.waits.end(),
                            [](const Wait& wait) { return !wait.done; });
  }
  const double half_s = static_cast<double>(open) * 2 * 60 / options_.requests_per_minute;
  return std::max(half_s, retry_s(mirror, rev));
}

void FreshChecks::ask(MirrorId id, std::int64_t rev, Wait& wait) {
  Asked& mirror = mirrors_.at(id);
  const Mirror& served = mirror.record.mirror;
  net::PoolRequest request;
  request.url =
      file_url(served.http_url.empty() ? served.https_url : served.http_url, wait.file->path);
  request.user_agent = options_.user_agent;
  request.ca_file = options_.ca_file;
  request.connection = net::PoolRequest::Connection::go_on;
  request.timeout = std::chrono::seconds(options_.timeout_s);
  wait.running = true;
  ++mirror.running;
  mirror.requests.use(1);
  pool_.add(std::move(request), [this, id, rev, file = wait.file->id](net::PoolAnswer&& answer) {
    answered(id, rev, file, answer);
  });
}

void FreshChecks::answered(MirrorId id, std::int64_t rev, std::int64_t file_id,
                           const net::PoolAnswer& answer) {
  const auto mirror = mirrors_.find(id);
  if (mirror == mirrors_.end()) return;
  Asked& asked = mirror->second;
  --asked.running;
  next_s_ = 0;
  if (const auto wait_s = net::retry_after_s(answer, std::time(nullptr)))
    rests_.asked_for_time(id, *wait_s, now_s_);
  else if (answer.failure || answer.status == 429)
    rests_.did_not_answer(id, now_s_);
  const auto release = asked.releases.find(rev);
  if (release == asked.releases.end()) return;
  for (Wait& wait : release->second.waits) {
    if (wait.file->id != file_id) continue;
    wait.running = false;
    if (has_come(asked, *wait.file, answer)) return came(asked, release->second, wait);
    wait.due_s = now_s_ + rest_retry_s(asked, rev);
  }
}

bool FreshChecks::has_come(const Asked& mirror, const db::FreshFile& file,
                           const net::PoolAnswer& answer) const {
  if (answer.failure) return false;
  if (file.gone) return answer.status == 404 || answer.status == 410;
  const db::MeasuredTimes times{mirror.record.keeps_times_share, mirror.record.time_offset_s};
  return answer.status == 200 &&
         confirms(file, rules_.is_immutable(file.path), times, facts_of(answer));
}

// A mirror to which something came has most likely just been synchronised.
void FreshChecks::came(Asked& mirror, Release& release, Wait& wait) {
  wait.done = true;
  mirror.moved_s = now_s_;
  (wait.file->gone ? withdrawn_ : confirmed_)
      .push_back({mirror.record.mirror.id, wait.file->id, wait.file->version_rev});
  if (std::exchange(release.there, true)) return;
  ask_for_folder(mirror, release, *wait.file);
  for (auto& [rev, other] : mirror.releases) {
    other.due_s = 0;
    for (Wait& one : other.waits) one.due_s = 0;
  }
}

// To ask for each of its files would take longer than a minute.
void FreshChecks::ask_for_folder(const Asked& mirror, const Release& release,
                                 const db::FreshFile& file) {
  const std::string_view folder = parent_folder(file.path);
  const auto in_folder = std::count_if(
      release.waits.begin(), release.waits.end(),
      [&](const Wait& wait) { return !wait.done && parent_folder(wait.file->path) == folder; });
  if (in_folder > options_.requests_per_minute)
    full_folders_.emplace(mirror.record.mirror.id, folder);
}

void FreshChecks::write(db::Connection& connection) {
  for (const auto& [id, folder] : full_folders_) db::ask_for_scan(connection, id, folder);
  full_folders_.clear();
  if (confirmed_.empty() && withdrawn_.empty()) return;
  if (wrote_s_ >= 0 && now_s_ - wrote_s_ < kWrite_s) return;
  wrote_s_ = now_s_;
  db::confirm_files(connection, confirmed_);
  confirmed_.clear();
  db::withdraw_files(connection, withdrawn_);
  withdrawn_.clear();
}

void FreshChecks::plan_next() {
  next_s_ = now_s_ + kRead_s;
  const auto at = [&](double due_s) {
    next_s_ = std::min(next_s_, std::max(due_s, now_s_ + 0.05));
  };
  if (!confirmed_.empty() || !withdrawn_.empty()) at(wrote_s_ + kWrite_s);
  for (const auto& [id, mirror] : mirrors_) {
    if (rests_.has(id, now_s_) || mirror.running >= kMostAtATime) continue;
    for (const auto& [rev, release] : mirror.releases) {
      if (!release.there) {
        at(release.due_s);
        continue;
      }
      for (const Wait& wait : release.waits)
        if (!wait.running && !wait.done) at(wait.due_s);
    }
  }
}

}  // namespace mirror::fresh
