#include "scanner/check/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "core/ascii.h"
#include "core/http_date.h"
#include "core/number.h"
#include "core/path.h"
#include "core/readable.h"
#include "core/url.h"
#include "digest/message.h"
#include "net/retry_after.h"
#include "scanner/check/answers.h"

namespace mirror::probe {
namespace {

using Milliseconds = std::chrono::milliseconds;
using net::FailureKind;

constexpr Milliseconds kCertificateTime(3000);  // more, to say what is wrong with a certificate

Verdict bad(std::string reason) { return {CheckOutcome::bad, std::move(reason), false, false}; }
Verdict cannot_tell(std::string reason) {
  return {CheckOutcome::unknown, std::move(reason), false, false};
}
Verdict wrong_file(std::string reason) {
  return {CheckOutcome::wrong_file, std::move(reason), false, false};
}

// Of one file: others may be served.
Verdict refused(std::string reason) {
  Verdict verdict = bad(std::move(reason));
  verdict.of_file = true;
  return verdict;
}

// Where the bytes begin that a 206 sends (RFC 9110 §14.4); nullopt: it does not say.
std::optional<std::int64_t> first_in(const net::PoolAnswer& answer) {
  std::string_view range = answer.header("Content-Range");
  if (!range.starts_with("bytes ")) return std::nullopt;
  range.remove_prefix(6);
  const auto first = whole_number<std::int64_t>(range.substr(0, range.find('-')));
  return first && *first >= 0 ? first : std::nullopt;
}

bool is_whole(const db::ContentPiece& piece, const CheckTarget& target) {
  return piece.first == 0 && piece.bytes == target.size_bytes;
}

bool may_be_page(const std::string& name) {
  const std::string lowered = lower(name);
  return lowered.find(".htm") != lowered.npos || lowered.find(".xht") != lowered.npos;
}

}  // namespace

std::vector<Way> claimed_ways(const std::string& http_url, const std::string& https_url, bool ipv4,
                              bool ipv6) {
  std::vector<Way> ways;
  for (const Way way : kWays) {
    const std::string& url = way.https ? https_url : http_url;
    if (url.empty() || !(way.family == Family::ipv4 ? ipv4 : ipv6)) continue;
    const std::optional<Address> literal = Address::parse(url_host(url));
    if (!literal || literal->family == way.family) ways.push_back(way);
  }
  return ways;
}

net::PoolRequest Check::request(Milliseconds spent) const {
  using Method = net::PoolRequest::Method;
  net::PoolRequest request;
  request.url = url_;
  request.family = target_.way.family;
  request.user_agent = options_.user_agent;
  request.ca_file = options_.ca_file;
  request.public_only = public_only_;
  request.timeout =
      is_first() ? options_.timeout : std::max(options_.timeout - spent, Milliseconds(1));
  if (target_.piece && step_ == Step::head) {
    request.method = Method::get;
    request.max_body_bytes = static_cast<std::size_t>(target_.piece->bytes);
    if (!is_whole(*target_.piece, target_)) {
      request.headers = {fmt::format("Range: bytes={}-{}", target_.piece->first,
                                     target_.piece->first + target_.piece->bytes - 1)};
    }
  } else if (step_ == Step::range || (step_ == Step::head && target_.by_get)) {
    request.method = Method::get;
    request.headers = {"Range: bytes=0-0"};
  } else if (step_ == Step::certificate) {
    request.method = Method::handshake;
    request.timeout = std::min(options_.timeout, kCertificateTime);
  }
  request.connect_timeout = std::min(options_.connect_timeout, request.timeout);
  return request;
}

std::optional<Verdict> Check::take(const net::PoolAnswer& answer, std::int64_t now_s) {
  std::optional<Verdict> verdict = next(answer, now_s);
  if (!verdict) return std::nullopt;
  verdict->reason = bounded(verdict->reason);
  verdict->wait_s = net::retry_after_s(answer, now_s);
  return verdict;
}

std::optional<Verdict> Check::next(const net::PoolAnswer& answer, std::int64_t now_s) {
  const bool own = followed_.empty();
  if (own && answer.certificate_end) certificate_end_ = answer.certificate_end;
  if (step_ == Step::certificate) return judge_certificate(answer, now_s);
  if (answer.failure) return take_failure(answer);
  if (own) {
    public_only_ = !is_private_text(answer.peer);
    if (latency_.count() == 0) latency_ = answer.first_byte;
  }
  if (target_.impossible) return judge_impossible(answer);
  if (is_redirect(answer.status)) return follow(answer.redirect_url);
  if (step_ == Step::head && !target_.piece && !target_.by_get &&
      head_may_be_refused(answer.status)) {
    step_ = Step::range;
    return std::nullopt;
  }
  return judge(answer);
}

std::optional<Verdict> Check::take_failure(const net::PoolAnswer& answer) {
  if (*answer.failure == FailureKind::certificate) {
    step_ = Step::certificate;
    certificate_words_ = answer.words;
    return std::nullopt;
  }
  const bool waited = *answer.failure == FailureKind::timeout;
  // The server answers, but not all of the file's bytes came.
  const bool began = answer.status == 200 || answer.status == 206;
  if (*answer.failure == FailureKind::broken && began && target_.piece) return breaks_off(answer);
  Verdict verdict = bad(where(waited && !is_first() ? "no answer in time" : answer.words));
  if (*answer.failure == FailureKind::own || answer.os_error == ENETUNREACH)
    verdict.outcome = CheckOutcome::unknown;
  verdict.waited = waited;
  return verdict;
}

Verdict Check::breaks_off(const net::PoolAnswer& answer) const {
  const auto came = static_cast<std::int64_t>(answer.body.size());
  return wrong_file(where(fmt::format("breaks off after {} of {} bytes", grouped(came),
                                      grouped(target_.piece->bytes))));
}

Verdict Check::judge_certificate(const net::PoolAnswer& answer, std::int64_t now_s) const {
  const std::optional<std::int64_t>& end = answer.certificate_end;
  if (!end || *end >= now_s) return bad(where(certificate_words_));
  return bad(where("the certificate expired on " + utc_timestamp(*end).substr(0, 10)));
}

// The reason, which is the mirror's own or that of a host that it redirects to.
std::string Check::where(const std::string& reason) const {
  if (followed_.empty()) return reason;
  return fmt::format("redirects to {}: {}", url_host(url_), reason);
}

std::optional<Verdict> Check::follow(const std::string& url) {
  followed_.push_back(url_);
  const RedirectFault fault = redirect_fault(followed_, url, options_.server_urls, public_only_);
  if (fault) {
    followed_.pop_back();
    return fault.of_file ? refused(fault.words) : bad(fault.words);
  }
  url_ = url;
  step_ = Step::head;
  return std::nullopt;
}

Verdict Check::judge_impossible(const net::PoolAnswer& answer) {
  if (answer.status != 200 && answer.status != 206) return {};
  return wrong_file(
      fmt::format("answers {} for a file that cannot exist: it has any name", answer.status));
}

std::optional<Verdict> Check::judge(const net::PoolAnswer& answer) const {
  std::optional<Verdict> verdict = judge_headers(answer);
  if (!verdict && target_.piece) verdict = judge_piece(answer);
  return verdict ? verdict : Verdict{};
}

// A server that sends the whole file in place of a piece cannot be checked this way.
std::optional<Verdict> Check::judge_piece(const net::PoolAnswer& answer) const {
  const db::ContentPiece& piece = *target_.piece;
  const bool whole = is_whole(piece, target_);
  Verdict not_compared;
  not_compared.compared = false;
  if (answer.status == 200 && piece.first > 0) return not_compared;
  if (answer.status == 206 && first_in(answer).value_or(piece.first) != piece.first)
    return wrong_file(fmt::format("sends other bytes than those from {} on", piece.first));
  const std::string_view coding = answer.header("Content-Encoding");
  const bool encoded = !coding.empty() && coding != "identity";
  if (encoded) return not_compared;
  if (piece.sha1.empty() && piece.sha256.empty()) return std::nullopt;
  if (static_cast<std::int64_t>(answer.body.size()) != piece.bytes)
    return wrong_file(fmt::format("sends {} bytes instead of {}", answer.body.size(), piece.bytes));
  const bool same = piece.sha256.empty() ? digest::sha1_of(answer.body) == piece.sha1
                                         : digest::sha256_of(answer.body) == piece.sha256;
  if (same) return std::nullopt;
  Verdict verdict = wrong_file(
      whole ? "sends other content than the source has"
            : fmt::format("sends other content than the source has, from byte {} on", piece.first));
  // It may be ahead of us.
  verdict.newer = is_newer(answer);
  verdict.other_bytes = parse_http_date(answer.header("Last-Modified")) >= 0 && !is_later(answer);
  return verdict;
}

// Than each version that we know of.
bool Check::is_later(const net::PoolAnswer& answer) const {
  const std::int64_t time_s = parse_http_date(answer.header("Last-Modified"));
  return std::all_of(target_.mtimes_s.begin(), target_.mtimes_s.end(),
                     [&](std::int64_t known) { return time_s > known + target_.time_tolerance_s; });
}

// A later time may be that of the copy, but for a mirror that keeps the source's.
bool Check::is_newer(const net::PoolAnswer& answer) const {
  return target_.keeps_times && url_host(url_) == url_host(target_.url) && is_later(answer);
}

bool Check::is_older(const net::PoolAnswer& answer) const {
  const std::int64_t time_s = parse_http_date(answer.header("Last-Modified"));
  return target_.keeps_times && url_host(url_) == url_host(target_.url) && time_s >= 0 &&
         std::all_of(target_.mtimes_s.begin(), target_.mtimes_s.end(),
                     [&](std::int64_t known) { return time_s < known - target_.time_tolerance_s; });
}

std::optional<Verdict> Check::judge_headers(const net::PoolAnswer& answer) const {
  const bool empty = answer.status == 416 && target_.size_bytes == 0;
  if (answer.status != 200 && answer.status != 206 && !empty) return judge_status(answer);
  const std::optional<std::int64_t> size = size_in(answer);
  if (size && *size != target_.size_bytes) {
    Verdict verdict = wrong_file(
        fmt::format("sends {} bytes instead of {}", grouped(*size), grouped(target_.size_bytes)));
    verdict.newer = is_newer(answer);
    verdict.older = is_older(answer);
    return verdict;
  }
  if (!size && is_page(answer.header("Content-Type")) && !may_be_page(last_segment(target_.url)))
    return wrong_file("sends a web page in place of the file");
  const std::int64_t time_s = parse_http_date(answer.header("Last-Modified"));
  if (time_s >= 0 && !has_time(time_s)) {
    Verdict verdict =
        wrong_file(fmt::format("has the file of {} instead of {}", utc_timestamp(time_s),
                               utc_timestamp(target_.mtimes_s.front())));
    verdict.newer = is_newer(answer);
    verdict.older = is_older(answer);
    return verdict;
  }
  return std::nullopt;
}

Verdict Check::judge_status(const net::PoolAnswer& answer) const {
  const int status = answer.status;
  if (status == 416 && target_.piece)
    return wrong_file(fmt::format("has no bytes from {} on", target_.piece->first));
  const std::string reason = fmt::format("answers {} for a file that it should have", status);
  if (status == 404 || status == 410) {
    Verdict verdict = wrong_file(reason);
    verdict.gone = true;
    return verdict;
  }
  // A server that is asked too often, or rests for a while: it is not the file.
  if (status == 429) return cannot_tell(reason);
  if (status == 503 && !answer.header("Retry-After").empty()) return bad(reason);
  return status == 403 || status == 451 || status >= 500 ? refused(reason) : bad(reason);
}

// Another host may have the file under the time at which it got it.
bool Check::has_time(std::int64_t time_s) const {
  if (!target_.keeps_times || url_host(url_) != url_host(target_.url)) return true;
  return std::any_of(target_.mtimes_s.begin(), target_.mtimes_s.end(), [&](std::int64_t accepted) {
    return std::abs(time_s - accepted) <= target_.time_tolerance_s;
  });
}

std::string Check::final_host() const {
  constexpr std::size_t kLongest = 300;  // of a row
  const std::string host = printable(url_host(url_));
  return url_host(url_) == url_host(target_.url) || host.size() > kLongest ? "" : host;
}

}  // namespace mirror::probe
