#include "traffic.h"

#include <fmt/core.h>

#include <charconv>

#include "config.h"
#include "context.h"
#include "core/url.h"
#include "net/fetcher.h"

namespace mirror::mb {
namespace {

// The next word of a line, and the blank behind it.
std::string_view take_word(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(word.size() + 1, line.size()));
  return word;
}

}  // namespace

Traffic parse_traffic(std::string_view page) {
  Traffic traffic;
  while (!page.empty()) {
    std::string_view line = page.substr(0, page.find('\n'));
    page.remove_prefix(std::min(line.size() + 1, page.size()));
    const std::string_view name = take_word(line);
    if (!name.starts_with("MirrorCatalog") || !name.ends_with("Traffic:")) continue;
    const std::string_view mirror = take_word(line), number = take_word(line);
    double mbit = 0;
    const auto [end, fault] = std::from_chars(number.data(), number.data() + number.size(), mbit);
    const bool is_number = fault == std::errc() && end == number.data() + number.size();
    if (is_number && mbit >= 0 && mbit < 1e9) traffic[std::string(mirror)] += mbit;
  }
  return traffic;
}

Traffic fetch_traffic(const std::string& url) {
  if (!is_url(url, UrlKind::page)) {
    throw UsageError(
        fmt::format("--traffic '{}': expected the URL of httpd's status page, like "
                    "http://localhost/server-status",
                    url));
  }
  net::FetchRequest request;
  request.url = url + (url.find('?') == url.npos ? "?auto" : "");
  request.user_agent = "mb/" PACKAGE_VERSION;
  try {
    const net::FetchResponse response = net::Fetcher().get(request);
    if (response.status == 200) return parse_traffic(response.body);
    throw Failure(fmt::format(
        "--traffic: {} answered {}: load mod_status, and allow this machine to read the page",
        request.url, response.status));
  } catch (const net::FetchError& error) {
    throw Failure(fmt::format("--traffic: {}: {}", request.url, error.what()));
  }
}

}  // namespace mirror::mb
