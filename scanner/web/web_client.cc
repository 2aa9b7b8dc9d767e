#include "scanner/web/web_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <iterator>

#include "net/retry_after.h"

namespace mirror::scanner::web {
namespace {

using Milliseconds = std::chrono::milliseconds;

constexpr int kMostTries = 3;  // of one request
constexpr int kMostWaits = 5;  // of one request, because the server asked for it
constexpr Milliseconds kFirstWait(500), kLongestRun(1000);

// Failures that may pass: another try may succeed.
bool passes(net::FailureKind kind) {
  using Kind = net::FailureKind;
  return kind == Kind::name || kind == Kind::connect || kind == Kind::timeout ||
         kind == Kind::broken;
}

bool asks_to_wait(int status) { return status == 429 || status == 503; }
bool is_passing_status(int status) {
  return status == 408 || status == 500 || status == 502 || status == 504;
}

}  // namespace

bool is_redirect(int status) { return status >= 300 && status < 400; }
// The server says that nobody gets it, or not in this way.
bool is_refusal(int status) {
  constexpr int kRefusals[] = {400, 401, 403, 404, 405, 406, 410, 451};
  return std::find(std::begin(kRefusals), std::end(kRefusals), status) != std::end(kRefusals);
}

bool is_gone(int status) { return status == 404 || status == 410; }

std::string answer_words(const WebAnswer& answer) {
  return answer.fault.empty() ? fmt::format("the server answers {}", answer.status) : answer.fault;
}

WebSettings settings_of(const Target& target, const WebOptions& options) {
  WebSettings settings;
  settings.connections = options.connections;
  settings.requests_per_s = options.requests_per_s;
  settings.bytes_per_s = options.bytes_per_s();
  settings.user_agent = target.user_agent;
  settings.ca_file = target.ca_file;
  settings.connect_timeout = std::chrono::seconds(target.connect_timeout_s);
  settings.timeout = std::chrono::duration_cast<Milliseconds>(
      std::chrono::duration<double, std::ratio<60>>(target.max_minutes));
  settings.idle_timeout = std::chrono::seconds(target.idle_timeout_s);
  return settings;
}

WebClient::WebClient(WebSettings settings)
    : settings_(std::move(settings)),
      requests_at_a_time_(settings_.connections),
      pool_({settings_.connections, kStreams}),
      throttle_(settings_.requests_per_s, settings_.bytes_per_s, Clock::now()) {}

void WebClient::get(std::string url, Done done) {
  ask({net::PoolRequest::Method::get, std::move(url), std::move(done)});
}

void WebClient::get_public(std::string url, Done done) {
  ask({net::PoolRequest::Method::get, std::move(url), std::move(done), false, true});
}

void WebClient::head(std::string url, Done done) {
  ask({net::PoolRequest::Method::head, std::move(url), std::move(done)});
}

void WebClient::get_first_byte(std::string url, Done done) {
  ask({net::PoolRequest::Method::get, std::move(url), std::move(done), true});
}

void WebClient::ask(Request request) {
  ++open_;
  waiting_.push_back(std::move(request));
}

void WebClient::start_what_may() {
  const Clock::time_point now = Clock::now();
  if (now < paused_until_) return;
  while (!later_.empty() && later_.begin()->first <= now) {
    waiting_.push_front(std::move(later_.begin()->second));
    later_.erase(later_.begin());
  }
  const auto most = static_cast<std::size_t>(requests_at_a_time_);
  while (!waiting_.empty() && pool_.running() < most) {
    if (!throttle_.may_ask(now)) return;
    Request request = std::move(waiting_.front());
    waiting_.pop_front();
    start(std::move(request));
  }
}

void WebClient::start(Request request) {
  ++request.tries;
  net::PoolRequest asked;
  asked.method = request.method;
  asked.url = request.url;
  asked.user_agent = settings_.user_agent;
  asked.ca_file = settings_.ca_file;
  asked.connection = net::PoolRequest::Connection::go_on;
  asked.http2 = true;
  const bool is_get = request.method == net::PoolRequest::Method::get;
  asked.compressed = is_page(request);
  if (settings_.headers) asked.headers = settings_.headers(is_get ? "GET" : "HEAD", asked.url);
  if (request.first_byte) asked.headers.emplace_back("Range: bytes=0-0");
  asked.connect_timeout = settings_.connect_timeout;
  asked.timeout = settings_.timeout;
  asked.idle_timeout = settings_.idle_timeout;
  asked.public_only = request.public_only;
  asked.max_body_bytes = is_page(request) ? settings_.max_page_bytes : 0;
  // The pool copies what it keeps.
  pool_.add(std::move(asked), [this, kept = std::move(request)](net::PoolAnswer&& answer) mutable {
    answered(std::move(kept), std::move(answer));
  });
}

void WebClient::answered(Request request, net::PoolAnswer&& answer) {
  throttle_.came(answer.body.size());
  if (!again(request, answer)) finish(request, std::move(answer));
}

// Whether the request is to be sent once more; then it is kept for that.
bool WebClient::again(Request& request, const net::PoolAnswer& answer) {
  const Clock::time_point now = Clock::now();
  if (!answer.failure && asks_to_wait(answer.status)) {
    const auto asked_s = net::retry_after_s(answer, std::time(nullptr));
    const Milliseconds wait =
        asked_s ? Milliseconds(std::chrono::seconds(*asked_s)) : kFirstWait * (4 << request.waits);
    if (++request.waits > kMostWaits || wait > settings_.longest_wait) return false;
    --request.tries;
    paused_until_ = std::max(paused_until_, now + wait);
    later_.emplace(now + wait, std::move(request));
    return true;
  }
  const bool passing = answer.failure ? passes(*answer.failure) : is_passing_status(answer.status);
  if (!passing || request.tries >= kMostTries) return false;
  // A server may close a kept connection at any time: that alone is no reason to wait.
  if (answer.failure == net::FailureKind::broken && request.tries == 1) {
    waiting_.push_front(std::move(request));
    return true;
  }
  later_.emplace(now + kFirstWait * (1 << 2 * (request.tries - 1)), std::move(request));
  return true;
}

void WebClient::finish(Request& request, net::PoolAnswer&& answer) {
  --open_;
  WebAnswer result;
  result.status = answer.status;
  if (answer.failure) {
    result.fault = answer.words;
  } else if (answer.cut && is_page(request)) {
    result.fault =
        fmt::format("its page is larger than {} MB", settings_.max_page_bytes / 1'000'000);
  } else if (asks_to_wait(answer.status)) {
    const std::string wait(answer.header("Retry-After"));
    result.fault = fmt::format("the server answers {} and asks to wait{}", answer.status,
                               wait.empty() ? "" : " until or for " + wait.substr(0, 40));
  }
  result.parts = std::move(answer);
  request.done(std::move(result));
}

Milliseconds WebClient::until_next() const {
  const Clock::time_point now = Clock::now();
  Milliseconds wait = kLongestRun;
  const auto up_to = [&](Clock::time_point when) {
    const auto left = std::chrono::ceil<Milliseconds>(when - now);
    wait = std::clamp(left, Milliseconds(1), wait);
  };
  if (!later_.empty()) up_to(std::max(later_.begin()->first, paused_until_));
  if (!waiting_.empty() && paused_until_ > now) up_to(paused_until_);
  if (!waiting_.empty()) up_to(now + throttle_.patience());
  return wait;
}

void WebClient::run(int stop_fd) {
  start_what_may();
  pool_.run(until_next(), stop_fd);
}

void WebClient::poll() {
  start_what_may();
  pool_.run(Milliseconds(0), -1);
}

}  // namespace mirror::scanner::web
