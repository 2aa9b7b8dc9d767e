#include "answer/conditional.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/http_date.h"

namespace mirror {
namespace {

constexpr std::int64_t kMicrosecondsPerSecond = 1'000'000;
// Takes the first entity tag (RFC 9110 §8.8.3) off the list and gives what stands between its
// quotes; nullopt at the list's end or at anything that is no entity tag.
std::optional<std::string_view> take_entity_tag(std::string_view& list) {
  list.remove_prefix(std::min(list.find_first_not_of(" \t,"), list.size()));
  if (list.starts_with("W/")) list.remove_prefix(2);
  if (!list.starts_with('"')) return std::nullopt;
  const std::size_t quote = list.find('"', 1);
  if (quote == list.npos) return std::nullopt;
  const std::string_view tag = list.substr(1, quote - 1);
  list.remove_prefix(quote + 1);
  return tag;
}

std::optional<std::int64_t> parse_hex(std::string_view text) {
  std::int64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || stop != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

bool names_version(std::string_view tag, std::int64_t size_bytes, std::int64_t mtime_s) {
  const std::size_t hyphen = tag.find('-');
  if (hyphen == tag.npos) return false;
  const auto first = parse_hex(tag.substr(0, hyphen)), second = parse_hex(tag.substr(hyphen + 1));
  if (!first || !second) return false;
  const bool httpd = *first == size_bytes && *second / kMicrosecondsPerSecond == mtime_s;
  const bool nginx = *first == mtime_s && *second == size_bytes;
  return httpd || nginx;
}

}  // namespace

bool any_entity_tag(std::string_view list, const std::function<bool(std::string_view)>& fits) {
  if (list.find_first_not_of(" \t") == list.find('*')) return list.find('*') != list.npos;
  while (const auto tag = take_entity_tag(list)) {
    if (fits(*tag)) return true;
  }
  return false;
}

bool not_modified(const Validators& validators, std::int64_t size_bytes, std::int64_t mtime_s) {
  if (!validators.if_none_match.empty()) {
    return any_entity_tag(validators.if_none_match, [&](std::string_view tag) {
      return names_version(tag, size_bytes, mtime_s);
    });
  }
  if (validators.if_modified_since.empty()) return false;
  const std::int64_t since_s = parse_http_date(validators.if_modified_since);
  return since_s >= 0 && mtime_s <= since_s;
}

std::string entity_tag(std::int64_t size_bytes, std::int64_t mtime_s) {
  return fmt::format("\"{:x}-{:x}\"", static_cast<std::uint64_t>(size_bytes),
                     static_cast<std::uint64_t>(mtime_s) * kMicrosecondsPerSecond);
}

}  // namespace mirror
