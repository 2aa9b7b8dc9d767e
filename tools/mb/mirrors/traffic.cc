#include "tools/mb/mirrors/traffic.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "config.h"
#include "core/url.h"
#include "net/fetcher.h"
#include "tools/mb/context.h"

namespace mirror::mb {
namespace {

struct Line {
  std::string_view number, key, value;  // "MirrorCatalog0Traffic: fau 1.5 Mbit/s of 100"
};

// Of a line about a catalog; nullopt: another one.
std::optional<Line> catalog_line(std::string_view line) {
  constexpr std::string_view kPrefix = "MirrorCatalog";
  const std::size_t colon = line.find(": ");
  if (!line.starts_with(kPrefix) || colon == line.npos) return std::nullopt;
  const std::string_view name = line.substr(kPrefix.size(), colon - kPrefix.size());
  const std::size_t digits = std::min(name.find_first_not_of("0123456789"), name.size());
  return Line{name.substr(0, digits), name.substr(digits), line.substr(colon + 2)};
}

void add(Traffic& traffic, std::string_view value) {
  const std::string_view mirror = value.substr(0, value.find(' '));
  std::string_view number = value.substr(std::min(mirror.size() + 1, value.size()));
  number = number.substr(0, number.find(' '));
  double mbit = 0;
  const auto [end, fault] = std::from_chars(number.data(), number.data() + number.size(), mbit);
  const bool is_number = fault == std::errc() && end == number.data() + number.size();
  if (is_number && mbit >= 0 && mbit < 1e9) traffic[std::string(mirror)] += mbit;
}

}  // namespace

Traffic parse_traffic(std::string_view page, std::string_view directory) {
  Traffic of_all, of_one;
  std::string_view wanted;  // the number of the catalog in that folder
  while (!page.empty()) {
    const std::string_view text = page.substr(0, page.find('\n'));
    page.remove_prefix(std::min(text.size() + 1, page.size()));
    const auto line = catalog_line(text);
    if (!line) continue;
    if (line->key == "Directory" && line->value == directory) wanted = line->number;
    if (line->key != "Traffic") continue;
    add(of_all, line->value);
    if (line->number == wanted) add(of_one, line->value);
  }
  return wanted.empty() ? of_all : of_one;
}

Traffic fetch_traffic(const std::string& url, std::string_view directory) {
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
    if (response.status == 200) return parse_traffic(response.body, directory);
    throw Failure(fmt::format(
        "--traffic: {} answered {}: load mod_status, and allow this machine to read the page",
        request.url, response.status));
  } catch (const net::FetchError& error) {
    throw Failure(fmt::format("--traffic: {}: {}", request.url, error.what()));
  }
}

}  // namespace mirror::mb
