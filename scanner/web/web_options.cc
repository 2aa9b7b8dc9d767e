#include "scanner/web/web_options.h"

#include <fmt/format.h>

#include <charconv>

#include "core/url.h"

namespace mirror::scanner::web {
namespace {

// One for each option: takes its value, false if that is out of range.
struct Row {
  std::string_view name, range;
  bool (*take)(std::string_view value, WebOptions& into);
};

template <typename Number>
bool take_number(std::string_view text, Number low, Number high, Number& into) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= low && value <= high))
    return false;
  into = value;
  return true;
}

constexpr Row kRows[] = {
    {"connections", "1 to 32",
     [](std::string_view value, WebOptions& into) {
       return take_number(value, 1, 32, into.connections);
     }},
    {"rate", "requests a second, 0.1 to 10000",
     [](std::string_view value, WebOptions& into) {
       return take_number(value, 0.1, 10000.0, into.requests_per_s);
     }},
    {"bandwidth", "KiB a second, 1 to 10000000",
     [](std::string_view value, WebOptions& into) {
       return take_number(value, std::int64_t{1}, std::int64_t{10'000'000}, into.kib_per_s);
     }},
    {"robots", "heed or ignore",
     [](std::string_view value, WebOptions& into) {
       into.heeds_robots = value == "heed";
       return into.heeds_robots || value == "ignore";
     }},
    {"heads", "0 to 100000000",
     [](std::string_view value, WebOptions& into) {
       return take_number(value, std::int64_t{0}, std::int64_t{100'000'000}, into.heads);
     }},
};

Fault take_option(std::string_view option, WebOptions& into) {
  if (option == kOff) return std::nullopt;
  const std::size_t equals = option.find('=');
  for (const Row& row : kRows) {
    if (option.substr(0, equals) != row.name || equals == option.npos) continue;
    if (row.take(option.substr(equals + 1), into)) return std::nullopt;
    return fmt::format("{} must be {}", row.name, row.range);
  }
  return "the options are connections=N, rate=N, bandwidth=N, robots=heed or robots=ignore, "
         "heads=N, and off";
}

}  // namespace

Fault web_option_fault(std::string_view option) {
  WebOptions unused;
  return take_option(option, unused);
}

WebOptions read_web_options(const std::vector<std::string>& options) {
  WebOptions read;
  for (const std::string& option : options) take_option(option, read);
  return read;
}

Fault web_url_fault(std::string_view url) {
  const UrlFault fault = check_url(url, UrlKind::web_base);
  return fault ? Fault(fault.text()) : std::nullopt;
}

}  // namespace mirror::scanner::web
