#include "scanner/scan/web_looks.h"

#include <fmt/format.h>

#include <ctime>
#include <memory>
#include <utility>

#include "core/http_date.h"
#include "core/path.h"
#include "net/request_pool.h"
#include "os/descriptor.h"
#include "scanner/check/answers.h"
#include "scanner/check/check_target.h"

namespace mirror::scanner {
namespace {

using Clock = std::chrono::steady_clock;
using probe::CheckOutcome;
using probe::Verdict;

constexpr std::chrono::milliseconds kPatience(100);
constexpr std::size_t kAtATime = 200;
constexpr int kConnectionsToAHost = 4;

probe::CheckTarget target_of(const WebLook& look, const PathRules& rules) {
  if (look.file) {
    const probe::Job job{probe::Job::Kind::presence, *look.file, {}};
    return probe::check_target(*look.record, look.way, job, rules);
  }
  probe::CheckTarget target;
  target.way = look.way;
  target.url = look.way.https ? look.record->mirror.https_url : look.record->mirror.http_url;
  return target;
}

// Of a base URL, or of a file that may not exist: a server that answers is well.
Verdict without_file(const WebLook& look, Verdict verdict) {
  const bool answers = look.status >= 200 && look.status < 500 && !probe::is_redirect(look.status);
  if (answers) return {};
  if (look.status >= 500) {
    verdict.outcome = CheckOutcome::bad;
    verdict.reason = fmt::format("answers {}", look.status);
  }
  return verdict;
}

class Asker {
 public:
  Asker(const PathRules& rules, const probe::CheckOptions& options)
      : rules_(rules), options_(options), pool_({.connections = kConnectionsToAHost}) {}

  std::size_t running() const { return pool_.running(); }
  std::size_t done() const { return done_; }
  void start(WebLook& look) {
    ask(std::make_shared<Run>(
        Run{look, probe::Check(target_of(look, rules_), options_), Clock::now()}));
  }
  void run(int stop_fd) { pool_.run(kPatience, stop_fd); }

 private:
  struct Run {
    WebLook& look;
    probe::Check check;
    Clock::time_point began;
  };

  void ask(const std::shared_ptr<Run>& run) {
    net::PoolRequest request = run->check.request(
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - run->began));
    request.family = run->look.family;
    pool_.add(std::move(request), [this, run](net::PoolAnswer&& answer) { take(run, answer); });
  }
  void take(const std::shared_ptr<Run>& run, const net::PoolAnswer& answer) {
    note(answer, run->look);
    const std::optional<Verdict> verdict = run->check.take(answer, std::time(nullptr));
    if (!verdict) return ask(run);
    WebLook& look = run->look;
    look.latency = run->check.latency();
    look.redirected_to = run->check.final_host();
    look.certificate_end_s = run->check.certificate_end();
    look.verdict = look.file && look.is_known ? *verdict : without_file(look, *verdict);
    ++done_;
  }
  static void note(const net::PoolAnswer& answer, WebLook& look) {
    look.status = answer.failure ? 0 : answer.status;
    look.address = answer.peer;
    look.size_bytes = probe::size_in(answer);
    look.mtime_s = probe::mtime_in(answer);
  }

  const PathRules& rules_;
  const probe::CheckOptions& options_;
  std::size_t done_ = 0;
  net::RequestPool pool_;  // last, since its requests use the rest
};

}  // namespace

void ask_all(std::vector<WebLook>& looks, const PathRules& rules,
             const probe::CheckOptions& options, int stop_fd,
             const std::function<void(std::size_t done)>& step) {
  Asker asker(rules, options);
  for (WebLook& look : looks)
    look.verdict = {.outcome = CheckOutcome::unknown, .reason = "not asked"};
  std::size_t next = 0;
  while ((next < looks.size() || asker.running() > 0) && !is_readable(stop_fd)) {
    while (next < looks.size() && asker.running() < kAtATime) asker.start(looks[next++]);
    asker.run(stop_fd);
    step(asker.done());
  }
}

}  // namespace mirror::scanner
