// The options of a mirror's http endpoint: NAME=VALUE. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scanner/list/target.h"

namespace mirror::scanner::web {

// A mirror without a URL to scan is not listed at its own URL either.
inline constexpr std::string_view kOff = "off";

struct WebOptions {
  int connections = 8;          // at a time
  double requests_per_s = 0;    // 0: no limit
  std::int64_t kib_per_s = 0;   // of what pages have in them; 0: no limit
  bool heeds_robots = true;     // robots.txt
  std::int64_t heads = 100000;  // HEAD requests in one listing

  double bytes_per_s() const { return static_cast<double>(kib_per_s) * 1024; }
};

// What is wrong with one option.
Fault web_option_fault(std::string_view option);
// Of options without fault.
WebOptions read_web_options(const std::vector<std::string>& options);
// A base that web URLs are checked against.
Fault web_url_fault(std::string_view url);

}  // namespace mirror::scanner::web
