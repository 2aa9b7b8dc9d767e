#include "net/retry_after.h"

#include <charconv>
#include <string_view>

#include "core/http_date.h"

namespace mirror::net {

std::optional<std::int64_t> retry_after_s(const PoolAnswer& answer, std::int64_t now_s) {
  if (answer.failure || (answer.status != 429 && answer.status != 503)) return std::nullopt;
  const std::string_view text = answer.header("Retry-After");
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool is_number = !text.empty() && text.front() != '-' && end == text.data() + text.size();
  if (is_number && error == std::errc::result_out_of_range) return kLongestRest_s;
  if (is_number && error == std::errc()) return std::min(seconds, kLongestRest_s);
  const std::int64_t date_s = parse_http_date(text);
  if (date_s < 0) return std::nullopt;
  return std::clamp<std::int64_t>(date_s - now_s, 0, kLongestRest_s);
}

}  // namespace mirror::net
