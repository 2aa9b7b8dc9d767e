#include "scanner/scan/newest_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "core/path.h"
#include "net/request_pool.h"
#include "os/descriptor.h"
#include "scanner/check/check_target.h"

namespace mirror::scanner {
namespace {

using Clock = std::chrono::steady_clock;
using Files = std::vector<const db::ProbeFile*>;
using probe::CheckOutcome;
using probe::Verdict;

constexpr std::chrono::milliseconds kPatience(200);
constexpr std::chrono::seconds kUntilSecondLook(5);
constexpr std::size_t kFirst = 20;
constexpr std::size_t kAtATime = 8;

class Asker {
 public:
  Asker(const db::MirrorRecord& record, const PathRules& rules, const probe::CheckOptions& options,
        int stop_fd)
      : record_(record), rules_(rules), options_(options), stop_fd_(stop_fd) {}

  bool stopped() const { return is_readable(stop_fd_); }
  std::vector<Way> ways() const {
    return probe::claimed_ways(record_.mirror.http_url, record_.mirror.https_url,
                               record_.mirror.ipv4, record_.mirror.ipv6);
  }

  // Those of the files that are not served over this way; `tells`: any answer said something.
  Files not_served(const Files& files, Way way, bool by_get, bool& tells) {
    Files missing;
    std::size_t next = 0;
    while ((next < files.size() && !stopped()) || pool_.running() > 0) {
      if (stopped()) break;
      while (next < files.size() && pool_.running() < kAtATime)
        start(
            *files[next++], way, by_get, [&missing, &tells, this](const auto& file, const auto& v) {
              tells =
                  tells || v.outcome == CheckOutcome::good || v.outcome == CheckOutcome::wrong_file;
              if (v.outcome != CheckOutcome::wrong_file) return;
              missing.push_back(&file);
              reason_ = fmt::format("'{}': {}", printable(file.path), v.reason);
            });
      pool_.run(kPatience, stop_fd_);
    }
    return missing;
  }
  void wait() {
    const auto end = Clock::now() + kUntilSecondLook;
    while (Clock::now() < end && !stopped()) pool_.run(kPatience, stop_fd_);
  }
  const std::string& reason() const { return reason_; }  // of the last one that is not served

 private:
  using Done = std::function<void(const db::ProbeFile&, const Verdict&)>;
  struct Run {
    const db::ProbeFile& file;
    probe::Check check;
    Clock::time_point began;
    Done done;
  };

  void start(const db::ProbeFile& file, Way way, bool by_get, Done done) {
    probe::CheckTarget target =
        probe::check_target(record_, way, {probe::Job::Kind::presence, file, std::nullopt}, rules_);
    target.by_get = by_get;
    ask(std::make_shared<Run>(
        Run{file, probe::Check(std::move(target), options_), Clock::now(), std::move(done)}));
  }
  void ask(const std::shared_ptr<Run>& run) {
    net::PoolRequest request = run->check.request(
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - run->began));
    request.keep_connection = true;
    pool_.add(std::move(request), [this, run](net::PoolAnswer&& answer) {
      const std::optional<Verdict> verdict = run->check.take(answer, std::time(nullptr));
      verdict ? run->done(run->file, *verdict) : ask(run);
    });
  }

  const db::MirrorRecord& record_;
  const PathRules& rules_;
  const probe::CheckOptions& options_;
  const int stop_fd_;
  std::string reason_;
  net::RequestPool pool_;
};

}  // namespace

Unserved ask_for_newest(const db::MirrorRecord& record, const std::vector<db::ProbeFile>& files,
                        const PathRules& rules, const probe::CheckOptions& options, int stop_fd) {
  Asker asker(record, rules, options, stop_fd);
  Files all, some;
  for (const db::ProbeFile& file : files) all.push_back(&file);
  some.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(kFirst, all.size())));
  std::vector<Way> ways;  // that answer
  for (const Way way : asker.ways()) {
    bool tells = false;
    Files missing = asker.not_served(some, way, false, tells);
    if (!tells) continue;
    ways.push_back(way);
    some = std::move(missing);
    if (some.empty()) return {};
  }
  if (ways.empty()) return {};
  asker.wait();
  for (const Way way : ways) {
    bool tells = false;
    all = asker.not_served(all, way, true, tells);
    if (!tells) return {};
  }
  if (all.empty() || asker.stopped()) return {};
  Unserved unserved;
  for (const db::ProbeFile* file : all) unserved.ids.push_back(file->id);
  unserved.words = fmt::format(
      "{} of the {} files that it got last do not count, since its web server does not have them "
      "so; {}",
      all.size(), files.size(), asker.reason());
  return unserved;
}

}  // namespace mirror::scanner
