#include "scanner/scan/newest_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "core/path.h"
#include "core/token_bucket.h"
#include "net/request_pool.h"
#include "os/descriptor.h"
#include "scanner/check/check_target.h"

namespace mirror::scanner {
namespace {

using Clock = std::chrono::steady_clock;
using Files = std::vector<const db::ProbeFile*>;
using probe::CheckOutcome;
using probe::Verdict;

constexpr std::chrono::milliseconds kPatience(50);
constexpr std::chrono::seconds kUntilSecondLook(5), kAllTime(60);
constexpr double kPerMinute = 1200, kBurst = 100;  // requests
constexpr std::size_t kFirst = 20;
constexpr std::size_t kMostRequests = 1000;  // twice for each file and way: what the time allows
constexpr std::size_t kFewestOfNone = 5;     // of fewer files that are missing little is known
constexpr std::size_t kAtATime = 8;
// So many of the last ones, and more than half, serve nothing: it is this machine's network.
constexpr std::ptrdiff_t kManyMirrors = 3;
constexpr std::size_t kLastMirrors = 20;

class Asker {
 public:
  Asker(const db::MirrorRecord& record, const PathRules& rules, const probe::CheckOptions& options,
        int stop_fd)
      : record_(record), rules_(rules), options_(options), stop_fd_(stop_fd) {}

  bool stopped() const { return is_readable(stop_fd_); }
  bool over() const { return stopped() || Clock::now() > end_; }
  std::vector<Way> ways() const {
    return probe::claimed_ways(record_.mirror.http_url, record_.mirror.https_url,
                               record_.mirror.ipv4, record_.mirror.ipv6);
  }
  // Those of the files that are not served over this way; nullopt: it does not answer. One is asked
  // for first, to find that out.
  std::optional<Files> not_served(const Files& files, Way way, bool by_get) {
    look_ = std::make_shared<Look>();
    for (std::size_t next = 0; next < files.size() && !over() && !look_->left;) {
      while (next < files.size() && pool_.running() < (look_->heard() ? kAtATime : 1) && may_ask())
        start(*files[next++], way, by_get);
      pool_.run(kPatience, stop_fd_);
      if (next > 0 && pool_.running() == 0 && !look_->heard()) break;
    }
    while (pool_.running() > 0 && !over()) pool_.run(kPatience, stop_fd_);
    const std::shared_ptr<Look> look = std::exchange(look_, nullptr);
    if (look->good > 0) serving_.insert(way.text());
    if (serving_.contains(way.text()))  // so it is these files that it refuses
      look->missing.insert(look->missing.end(), look->refused.begin(), look->refused.end());
    if (look->answers() == 0 || look->left) return std::nullopt;
    return std::move(look->missing);
  }
  void wait() {
    const auto end = Clock::now() + kUntilSecondLook;
    while (Clock::now() < end && !over()) pool_.run(kPatience, stop_fd_);
  }
  const std::string& reason(std::int64_t file_id) { return reasons_[file_id]; }

 private:
  struct Look {  // at some files over one way
    Files missing, refused;
    int good = 0;
    bool left = false;  // the server asks for time
    std::size_t answers() const { return missing.size() + static_cast<std::size_t>(good); }
    bool heard() const { return answers() + refused.size() > 0; }
  };
  struct Run {
    const db::ProbeFile& file;
    probe::Check check;
    Clock::time_point began;
    std::shared_ptr<Look> look;
  };

  bool may_ask() {
    const double now_s = std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
    if (requests_.left(now_s) < 1) return false;
    requests_.use(1);
    return true;
  }
  void start(const db::ProbeFile& file, Way way, bool by_get) {
    probe::CheckTarget target =
        check_target(record_, way, probe::Job{probe::Job::Kind::presence, file, {}}, rules_);
    target.by_get = by_get;
    ask(std::make_shared<Run>(
        Run{file, probe::Check(std::move(target), options_), Clock::now(), look_}));
  }
  void ask(const std::shared_ptr<Run>& run) {
    net::PoolRequest request = run->check.request(
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - run->began));
    request.connection = net::PoolRequest::Connection::go_on;
    pool_.add(std::move(request), [this, run](net::PoolAnswer&& answer) {
      const std::optional<Verdict> verdict = run->check.take(answer, std::time(nullptr));
      verdict ? take(*run, *verdict) : ask(run);
    });
  }
  void take(const Run& run, const Verdict& verdict) {
    Look& look = *run.look;
    look.left = look.left || verdict.wait_s.has_value();
    if (verdict.outcome == CheckOutcome::good) {
      ++look.good;
    } else if (verdict.outcome == CheckOutcome::wrong_file || verdict.of_file) {
      (verdict.of_file ? look.refused : look.missing).push_back(&run.file);
      reasons_[run.file.id] = fmt::format("'{}': {}", printable(run.file.path), verdict.reason);
    }
  }

  const db::MirrorRecord& record_;
  const PathRules& rules_;
  const probe::CheckOptions& options_;
  const int stop_fd_;
  const Clock::time_point end_ = Clock::now() + kAllTime;
  TokenBucket requests_{kPerMinute, kBurst};
  std::map<std::int64_t, std::string> reasons_;  // by the ids of files
  std::set<std::string> serving_;                // ways over which a file was there
  std::shared_ptr<Look> look_;
  net::RequestPool pool_;  // last, since its requests use the rest
};

// Over each of the ways that answers; those that do not are taken out.
Files not_served(Asker& asker, Files files, std::vector<Way>& ways, bool by_get) {
  if (files.empty()) return files;
  std::vector<Way> answering;
  for (const Way way : ways) {
    if (files.empty()) break;
    std::optional<Files> missing = asker.not_served(files, way, by_get);
    if (!missing && asker.over()) return {};
    if (!missing) continue;
    answering.push_back(way);
    files = std::move(*missing);
  }
  ways = std::move(answering);
  return ways.empty() ? Files() : files;
}

}  // namespace

bool ServedMirrors::note(bool serves_some) {
  const std::lock_guard guard(mutex_);
  last_.push_back(serves_some);
  if (last_.size() > kLastMirrors) last_.pop_front();
  const auto none = std::count(last_.begin(), last_.end(), false);
  return none >= kManyMirrors && 2 * none > std::ssize(last_);
}

NewestAnswer ask_for_newest(const db::MirrorRecord& record, const db::NewestFiles& files,
                            const PathRules& rules, const probe::CheckOptions& options, int stop_fd,
                            ServedMirrors& others) {
  db::MirrorRecord measured = record;
  measured.keeps_times = db::keeping_of(files.times.share) == db::TimeKeeping::kept;
  measured.time_offset_s = files.times.offset_s;
  Asker asker(measured, rules, options, stop_fd);
  std::vector<Way> ways = asker.ways();
  if (ways.empty()) return {};
  Files first, rest;
  const std::size_t asked = std::min(files.files.size(), kMostRequests / (2 * ways.size()));
  for (std::size_t i = 0; i < asked; ++i) (i < kFirst ? first : rest).push_back(&files.files[i]);
  Files missing = not_served(asker, first, ways, false);
  if (missing.empty()) {
    if (!ways.empty()) others.note(true);
    return {};
  }
  const Files more = not_served(asker, rest, ways, false);
  missing.insert(missing.end(), more.begin(), more.end());
  asker.wait();
  missing = not_served(asker, missing, ways, true);
  if (missing.empty() || asker.stopped()) {
    others.note(true);
    return {};
  }
  NewestAnswer answer;
  answer.words = fmt::format(
      "{} of {} files asked for are not counted: its web server lacks them, or has another "
      "version; {}",
      missing.size(), asked, asker.reason(missing.back()->id));
  const bool none = missing.size() == asked && asked >= kFewestOfNone;
  if (others.note(!none) && none) {
    answer.words += "; they are counted all the same, since so many mirrors seem to serve nothing";
    return answer;
  }
  std::size_t gained = 0, gained_missing = 0;
  for (std::size_t i = 0; i < asked; ++i) gained += files.gained.contains(files.files[i].id);
  for (const db::ProbeFile* file : missing) {
    answer.unserved.ids.push_back(file->id);
    gained_missing += files.gained.contains(file->id);
  }
  answer.unserved.most = gained_missing * 2 > gained;
  return answer;
}

}  // namespace mirror::scanner
