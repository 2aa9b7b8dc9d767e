#include "scanner/probe/stamp_answer.h"

#include <fmt/format.h>

#include <string_view>

#include "core/http_date.h"
#include "core/path.h"
#include "core/readable.h"
#include "core/stamp_time.h"
#include "net/retry_after.h"
#include "scanner/check/answers.h"

namespace mirror::probe {
namespace {

constexpr std::int64_t kFuture_s = 3600;

// In place of a file, which may have any date.
bool shows_page(const net::PoolAnswer& answer) {
  return is_page(answer.header("Content-Type")) || answer.body.starts_with('<');
}

StampAnswer fault(std::string words) { return {std::nullopt, std::move(words)}; }

}  // namespace

StampAnswer judge_stamp(std::string_view text, std::optional<std::int64_t> modified_s,
                        std::int64_t now_s) {
  const std::optional<std::int64_t> said = parse_stamp(text);
  const std::optional<std::int64_t> at_s = said ? said : modified_s;
  if (!at_s) return fault("no time in its first line");
  if (*at_s > now_s + kFuture_s)
    return fault(fmt::format("{} is in the future", utc_minute(*at_s)));
  return {at_s, ""};
}

net::PoolRequest StampRequest::request() const {
  net::PoolRequest request;
  request.method = net::PoolRequest::Method::get;
  request.url = url_;
  request.family = family_;
  request.public_only = public_only_;
  request.max_body_bytes = kMaxStampBytes;
  return request;
}

std::optional<StampAnswer> StampRequest::take(const net::PoolAnswer& answer, std::int64_t now_s) {
  if (answer.failure) return StampAnswer{};
  if (followed_.empty()) public_only_ = !is_private_text(answer.peer);
  if (is_redirect(answer.status)) {
    followed_.push_back(url_);
    if (const auto found =
            redirect_fault(followed_, answer.redirect_url, server_urls_, public_only_))
      return fault(bounded(found.words));
    url_ = answer.redirect_url;
    return std::nullopt;
  }
  if (answer.status == 429 || answer.status >= 500) {
    StampAnswer later;
    later.wait_s = net::retry_after_s(answer, now_s);
    return later;
  }
  if (answer.status != 200) return fault(fmt::format("HTTP status {}", answer.status));
  if (shows_page(answer)) return fault("a page in place of it");
  const std::int64_t modified_s = parse_http_date(answer.header("Last-Modified"));
  if (modified_s < 0) return judge_stamp(answer.body, std::nullopt, now_s);
  return judge_stamp(answer.body, modified_s - time_offset_s_, now_s);
}

}  // namespace mirror::probe
