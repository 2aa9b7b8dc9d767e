#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "config.h"
#include "net/fetcher.h"
#include "net/request_pool.h"
#include "tools/mb/moving/compare.h"

namespace mirror::mb {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMostHops = 5;
constexpr std::size_t kMostKnownTargets = 100'000;

// What HEAD finds at the end of a URL.
struct End {
  std::string fault;
  int status = 0;
  std::optional<std::int64_t> size_bytes;
  std::string country;
};

std::optional<std::int64_t> length_of(const net::PoolAnswer& answer) {
  const std::string_view text = answer.header("Content-Length");
  std::int64_t bytes = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  const bool whole = fault == std::errc() && end == text.data() + text.size() && bytes >= 0;
  return whole && !text.empty() ? std::optional(bytes) : std::nullopt;
}

bool is_redirect(const net::PoolAnswer& answer) {
  return answer.status >= 300 && answer.status < 400 && answer.status != 304 &&
         !answer.redirect_url.empty();
}

std::string joined(std::string base, const std::string& target) {
  if (base.ends_with('/')) base.pop_back();
  return base + target;
}

// One request on its way. What is still open of it is counted.
struct Job {
  ComparedRequest one;
  int open = 0;
};
using SharedJob = std::shared_ptr<Job>;

class Comparer {
 public:
  Comparer(const CompareOptions& options,
           const std::function<std::string(const std::string&)>& country,
           const std::function<void(ComparedRequest&&)>& done)
      : options_(options),
        country_(country),
        done_(done),
        pool_({.connections = options.parallel}) {}

  void run(const std::function<std::optional<LoggedRequest>()>& next, const StopSignal& stop) {
    const auto pause = std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(1 / options_.rate));
    auto due = Clock::now();
    bool more = true;
    while ((more || jobs_ > 0) && !stop.asked()) {
      while (more && jobs_ < options_.parallel && Clock::now() >= due) {
        auto request = next();
        more = request.has_value();
        if (!more) break;
        due = std::max(due + pause, Clock::now() - pause);
        start(*std::move(request));
      }
      const bool waits_for_time = more && jobs_ < options_.parallel;
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - Clock::now());
      const auto limit = std::clamp(left, std::chrono::milliseconds(1), kLong);
      if (pool_.running() > 0)
        pool_.run(waits_for_time ? limit : kLong, stop.fd());
      else if (waits_for_time)
        stop.wait(limit);
    }
  }

 private:
  static constexpr std::chrono::milliseconds kLong{1000};

  net::PoolRequest request_to(const std::string& url, net::PoolRequest::Method method) const {
    net::PoolRequest request;
    request.method = method;
    request.url = url;
    request.user_agent = "mb-compare/" PACKAGE_VERSION;
    request.ca_file = options_.ca_file;
    request.connection = net::PoolRequest::Connection::go_on;
    request.timeout =
        std::chrono::milliseconds(static_cast<std::int64_t>(1000 * options_.timeout_s));
    request.connect_timeout = request.timeout;
    return request;
  }

  // The other end may refuse what libcurl does not even send: that is an answer too.
  void ask(net::PoolRequest request, const net::RequestPool::Done& done) {
    try {
      pool_.add(std::move(request), done);
    } catch (const net::FetchError& error) {
      net::PoolAnswer none;
      none.failure = net::FailureKind::url;
      none.words = error.what();
      done(std::move(none));
    }
  }

  void start(LoggedRequest&& logged) {
    auto job = std::make_shared<Job>();
    job->one.request = std::move(logged);
    ++jobs_;
    job->open = 1;  // until all have been started
    ask_side(job, options_.url_a, job->one.a);
    ask_side(job, options_.url_b, job->one.b);
    if (!options_.truth_url.empty()) ask_truth(job);
    close(job);
  }

  void close(const SharedJob& job) {
    if (--job->open > 0) return;
    --jobs_;
    done_(std::move(job->one));
  }

  void ask_side(const SharedJob& job, const std::string& base, Seen& seen) {
    const LoggedRequest& logged = job->one.request;
    auto request =
        request_to(joined(base, logged.target),
                   logged.head ? net::PoolRequest::Method::head : net::PoolRequest::Method::get);
    if (!logged.user_agent.empty()) request.user_agent = logged.user_agent;
    if (!options_.client_header.empty() && !logged.client.empty())
      request.headers.push_back(fmt::format("{}: {}", options_.client_header, logged.client));
    ++job->open;
    ask(std::move(request), [this, job, &seen](net::PoolAnswer&& answer) {
      answered(job, seen, answer);
      close(job);
    });
  }

  void answered(const SharedJob& job, Seen& seen, const net::PoolAnswer& answer) {
    if (answer.failure) {
      seen.fault = answer.words;
      return;
    }
    seen.status = answer.status;
    seen.latency = answer.first_byte;
    if (is_redirect(answer)) {
      seen.target = answer.redirect_url;
      if (options_.checks_targets) look_at(job, seen.target, seen);
      return;
    }
    seen.end_status = answer.status;
    if (answer.status == 200) seen.size_bytes = length_of(answer);
  }

  void ask_truth(const SharedJob& job) {
    ++job->open;
    find_end(joined(options_.truth_url, job->one.request.target), [this, job](const End& end) {
      if (end.status == 200) job->one.true_size_bytes = end.size_bytes;
      close(job);
    });
  }

  void look_at(const SharedJob& job, const std::string& url, Seen& seen) {
    ++job->open;
    find_end(url, [this, job, &seen](const End& end) {
      seen.end_fault = end.fault;
      seen.end_status = end.status;
      seen.size_bytes = end.size_bytes;
      seen.country = end.country;
      close(job);
    });
  }

  using OnEnd = std::function<void(const End&)>;

  // Each URL is asked once, however many are sent there.
  void find_end(const std::string& url, OnEnd on_end) {
    if (const auto known = known_.find(url); known != known_.end()) return on_end(known->second);
    auto& waiting = waiting_[url];
    waiting.push_back(std::move(on_end));
    if (waiting.size() == 1) hop(url, url, 1);
  }

  void hop(const std::string& first, const std::string& url, int hops) {
    ask(request_to(url, net::PoolRequest::Method::head),
        [this, first, hops](net::PoolAnswer&& answer) {
          if (!answer.failure && is_redirect(answer) && hops < kMostHops)
            return hop(first, answer.redirect_url, hops + 1);
          End end;
          if (answer.failure)
            end.fault = answer.words;
          else if (is_redirect(answer))
            end.fault = fmt::format("redirects more than {} times", kMostHops);
          end.status = answer.status;
          if (answer.status == 200) end.size_bytes = length_of(answer);
          end.country = country_(answer.peer);
          found(first, end);
        });
  }

  void found(const std::string& url, const End& end) {
    if (known_.size() < kMostKnownTargets) known_[url] = end;
    auto waiting = waiting_.extract(url);
    for (const OnEnd& on_end : waiting.mapped()) on_end(end);
  }

  const CompareOptions& options_;
  const std::function<std::string(const std::string&)>& country_;
  const std::function<void(ComparedRequest&&)>& done_;
  net::RequestPool pool_;
  int jobs_ = 0;
  std::map<std::string, End> known_;
  std::map<std::string, std::vector<OnEnd>> waiting_;
};

}  // namespace

void compare_all(const CompareOptions& options,
                 const std::function<std::optional<LoggedRequest>()>& next,
                 const std::function<std::string(const std::string&)>& country,
                 const std::function<void(ComparedRequest&&)>& done, const StopSignal& stop) {
  Comparer(options, country, done).run(next, stop);
}

}  // namespace mirror::mb
