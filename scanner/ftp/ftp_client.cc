#include "scanner/ftp/ftp_client.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/ascii.h"
#include "core/path.h"

namespace mirror::scanner::ftp {
namespace {

using Kind = net::FailureKind;
using Milliseconds = std::chrono::milliseconds;

constexpr int kMostTries = 3;  // of one request
constexpr int kMostWaits = 5;  // of one request, because the server has too many users
constexpr Milliseconds kFirstWait(500), kFirstRest(2000), kLongestRun(1000);
constexpr int kTooManyUsers = 421, kNotLoggedIn = 530;

bool mentions(std::string_view text, std::string_view word) {
  return std::search(text.begin(), text.end(), word.begin(), word.end(),
                     [](char a, char b) { return lower(a) == b; }) != text.end();
}

// 421 (RFC 959 §4.2.1); some servers say so with 530.
bool has_no_room(const net::FtpAnswer& answer) {
  if (!answer.failure) return false;
  if (answer.code == kTooManyUsers) return true;
  return answer.code == kNotLoggedIn &&
         (mentions(answer.reply, "too many") || mentions(answer.reply, "maximum"));
}

// vsftpd says 226 and means 550.
bool is_hidden_refusal(const net::FtpAnswer& answer) {
  return !answer.failure && answer.body.empty() &&
         mentions(answer.reply, "failed to open directory");
}

// Says no to what was asked for: not to the login, and not because its connection failed.
bool is_refusal(const net::FtpAnswer& answer) {
  constexpr int kRefusals[] = {450, 501, 550, 553};
  return std::find(std::begin(kRefusals), std::end(kRefusals), answer.code) !=
             std::end(kRefusals) ||
         is_hidden_refusal(answer);
}

bool may_pass(const net::FtpAnswer& answer) {
  const bool of_server = answer.code >= 500 && answer.failure == Kind::broken;
  return answer.failure && !of_server &&
         (*answer.failure == Kind::name || *answer.failure == Kind::connect ||
          *answer.failure == Kind::timeout || *answer.failure == Kind::broken);
}

std::string words_of(const net::FtpAnswer& answer) {
  if (answer.cut) return "its listing is too long";
  const bool of_tls = answer.failure == Kind::certificate;
  if (of_tls || (answer.failure && answer.code < 400)) return answer.words;
  return fmt::format("the server answers {} {}", answer.code,
                     printable(answer.reply.substr(0, 200)));
}

}  // namespace

FtpClient::FtpClient(net::FtpRequest common, const FtpOptions& options)
    : common_(std::move(common)),
      connections_(static_cast<std::size_t>(options.connections)),
      throttle_(options.requests_per_s, options.bytes_per_s, Clock::now()) {}

void FtpClient::ask(Command command, std::string path, Done done) {
  ++open_;
  waiting_.push_back({command, std::move(path), std::move(done)});
}

void FtpClient::start_what_may() {
  const Clock::time_point now = Clock::now();
  if (now < paused_until_) return;
  while (!later_.empty() && later_.begin()->first <= now) {
    waiting_.push_front(std::move(later_.begin()->second));
    later_.erase(later_.begin());
  }
  while (!waiting_.empty() && pool_.running() < connections_) {
    if (!throttle_.may_ask(now)) return;
    Request request = std::move(waiting_.front());
    waiting_.pop_front();
    start(std::move(request));
  }
}

void FtpClient::start(Request request) {
  ++request.tries;
  net::FtpRequest asked = common_;
  asked.command = request.command;
  asked.path = request.path;
  pool_.add(std::move(asked), [this, kept = std::move(request)](net::FtpAnswer&& answer) mutable {
    throttle_.came(answer.body.size());
    if (!again(kept, answer)) finish(kept, std::move(answer));
  });
}

// Whether the request is to be sent once more; then it is kept for that.
bool FtpClient::again(Request& request, const net::FtpAnswer& answer) {
  if (has_no_room(answer)) return wait_for_room(request);
  if (is_refusal(answer) || !may_pass(answer) || request.tries >= kMostTries) return false;
  // A server may close a kept connection at any time: that alone is no reason to wait.
  const Milliseconds wait =
      request.tries == 1 ? Milliseconds(0) : kFirstWait * (1 << 2 * (request.tries - 2));
  later_.emplace(Clock::now() + wait, std::move(request));
  return true;
}

// Where other connections are open, these are as many as the server lets us have.
bool FtpClient::wait_for_room(Request& request) {
  --request.tries;
  if (pool_.running() > 0 && pool_.running() < connections_) {
    connections_ = pool_.running();
    waiting_.push_front(std::move(request));
    return true;
  }
  if (request.waits == kMostWaits) return false;
  const Clock::time_point when = Clock::now() + kFirstRest * (1 << request.waits);
  ++request.waits;
  paused_until_ = std::max(paused_until_, when);
  later_.emplace(when, std::move(request));
  return true;
}

void FtpClient::finish(Request& request, net::FtpAnswer&& answer) {
  --open_;
  FtpResult result;
  if (is_refusal(answer) && (!answer.failure || *answer.failure == Kind::broken)) {
    result.kind = FtpResult::Kind::refused;
  } else if (answer.failure || answer.cut) {
    result.kind = FtpResult::Kind::failed;
  }
  if (result.kind != FtpResult::Kind::done) result.words = words_of(answer);
  result.answer = std::move(answer);
  request.done(std::move(result));
}

Milliseconds FtpClient::until_next() const {
  const Clock::time_point now = Clock::now();
  Clock::time_point next = now + kLongestRun;
  if (!later_.empty()) next = std::min(next, std::max(later_.begin()->first, paused_until_));
  if (!waiting_.empty() && paused_until_ > now) next = std::min(next, paused_until_);
  if (!waiting_.empty()) next = std::min(next, now + throttle_.patience());
  return std::max(Milliseconds(1), std::chrono::ceil<Milliseconds>(next - now));
}

void FtpClient::run(int stop_fd) {
  start_what_may();
  pool_.run(until_next(), stop_fd);
}

}  // namespace mirror::scanner::ftp
