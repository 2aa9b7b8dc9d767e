#include "core/readable.h"

#include <fmt/format.h>

#include <ctime>
#include <utility>

namespace mirror {
namespace {

std::string formatted_time(std::int64_t time_s, const char* format) {
  const std::time_t time = time_s;
  std::tm parts{};
  char text[64];
  if (::gmtime_r(&time, &parts) == nullptr) return std::to_string(time_s);
  return std::string(text, std::strftime(text, sizeof text, format, &parts));
}

}  // namespace

std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3 + (number < 0); i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

std::string bytes_text(std::int64_t bytes) {
  static constexpr const char* kUnits[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  return fmt::format("{:.{}f} {}", value, unit == 0 ? 0 : 1, kUnits[unit]);
}

std::string utc_minute(std::int64_t time_s) { return formatted_time(time_s, "%Y-%m-%d %H:%M UTC"); }
std::string rfc3339(std::int64_t time_s) { return formatted_time(time_s, "%Y-%m-%dT%H:%M:%SZ"); }

std::string age_text(std::int64_t seconds) {
  static constexpr std::pair<std::int64_t, const char*> kUnits[] = {
      {86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
  for (const auto& [length, name] : kUnits) {
    const std::int64_t count = seconds / length;
    if (count >= 2 || length == 1 || (count == 1 && seconds % length == 0))
      return fmt::format("{} {}{}", count, name, count == 1 ? "" : "s");
  }
  return "";
}

}  // namespace mirror
