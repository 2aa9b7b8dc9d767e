#include "values.h"

#include <ap_regex.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "core/url.h"
#include "core/utf8.h"
#include "core/wildcard.h"

namespace mirror::httpd {
namespace {

template <class Number>
Number parse_number(const char* word, Number least, Number most, const char*& rest) {
  Number number{};
  const auto [stop, error] = std::from_chars(word, word + std::strlen(word), number);
  rest = stop;
  if (error != std::errc() || !(number >= least && number <= most)) {
    throw BadValue(fmt::format("'{}' is not a number from {} to {}", word, least, most));
  }
  return number;
}

template <class Number>
Number parse_whole_number(const char* word, Number least, Number most) {
  const char* rest = word;
  const Number number = parse_number(word, least, most, rest);
  if (*rest != '\0')
    throw BadValue(fmt::format("'{}' is not a number from {} to {}", word, least, most));
  return number;
}

// Throws unless `word` is a URL of that kind; `expected` says of which.
void require_url(const char* word, std::string_view url, UrlKind kind, const char* expected) {
  if (const UrlFault fault = check_url(url, kind))
    throw BadValue(fmt::format("'{}' is not an {}: {}", word, expected, fault.text()));
}

bool is_utf8_text(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    if (point.length == 0 || point.value == 0) return false;
    text.remove_prefix(point.length);
  }
  return true;
}

const ap_regex_t* compiled(apr_pool_t* pool, const char* pattern) {
  const ap_regex_t* regex = ap_pregcomp(pool, pattern, AP_REG_EXTENDED);
  if (regex == nullptr) throw BadValue(fmt::format("'{}' is not a regular expression", pattern));
  return regex;
}

// Matches the whole text. A match that gave up does not count.
Matcher parse_whole_regex(apr_pool_t* pool, const char* word) {
  compiled(pool, word);  // what is one on its own; else "a)|(b" would become one
  const ap_regex_t* regex = compiled(pool, apr_pstrcat(pool, "\\A(?:", word, ")\\z", nullptr));
  return [regex](std::string_view text) {
    return ap_regexec_len(regex, text.data(), text.size(), 0, nullptr, 0) == 0;
  };
}

bool is_any(std::string_view word) { return word == "-" || word == "*"; }

}  // namespace

bool parse_flag(const char* word) {
  return parse_one_of<bool>(word, {{"On", true}, {"Off", false}});
}

std::int64_t parse_integer(const char* word, std::int64_t least, std::int64_t most) {
  return parse_whole_number(word, least, most);
}

std::int64_t parse_size(const char* word) {
  constexpr std::int64_t kMost = std::int64_t{1} << 32;  // times 1 G: still a file's size
  const char* unit = word;
  const std::int64_t number = parse_number<std::int64_t>(word, 0, std::int64_t{1} << 62, unit);
  int shift = 0;
  if (*unit != '\0') {
    constexpr std::string_view kUnits = "KMG";
    const std::size_t found = kUnits.find(static_cast<char>(*unit & ~0x20));
    if (found == kUnits.npos || unit[1] != '\0')
      throw BadValue(fmt::format("'{}' is not a size in bytes; K, M or G may follow", word));
    shift = static_cast<int>(found + 1) * 10;
    if (number > kMost) throw BadValue(fmt::format("'{}' is too large", word));
  }
  return number << shift;
}

std::chrono::milliseconds parse_timeout(const char* word) {
  apr_interval_time_t time_us = 0;
  const bool fits = ap_timeout_parameter_parse(word, &time_us, "s") == APR_SUCCESS;
  const auto timeout =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::microseconds(time_us));
  if (!fits || timeout < std::chrono::milliseconds(10) || timeout > std::chrono::seconds(60)) {
    throw BadValue(fmt::format("'{}' is not a time from 10ms to 60s", word));
  }
  return timeout;
}

int parse_max_links(const char* word) { return static_cast<int>(parse_integer(word, 0, 32)); }

double parse_distance(const char* word) { return parse_whole_number<double>(word, 1, 20'000); }

std::int64_t parse_stickiness(const char* word) { return parse_integer(word, 0, 366 * 86400); }

std::int64_t parse_repeat_window(const char* word) { return parse_integer(word, 0, 3600); }

double parse_factor(const char* word) { return parse_whole_number<double>(word, 0.01, 1000); }

std::string parse_base_url(const char* word) {
  std::string url = word;
  if (!url.ends_with('/')) url += '/';
  require_url(word, url, UrlKind::web_base, "http:// or https:// URL of a folder");
  return url;
}

std::string parse_page_url(const char* word) {
  require_url(word, word, UrlKind::page, "http:// or https:// URL of a page");
  return word;
}

std::string parse_tracker(const char* word) {
  require_url(word, word, UrlKind::tracker, "http://, https:// or udp:// URL of a tracker");
  return word;
}

DhtNode parse_dht_node(const char* word) {
  const std::string_view text = word;
  const std::size_t colon = text.rfind(':');
  std::string_view host = text.substr(0, std::min(colon, text.size()));
  if (colon == text.npos || text.ends_with(']') || check_host_and_port(text)) {
    throw BadValue(fmt::format("'{}' is not HOST:PORT; an IPv6 address needs brackets", word));
  }
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return {std::string(host), static_cast<int>(parse_integer(word + colon + 1, 1, 65535))};
}

std::string parse_reference(const char* word) {
  const std::string_view url = word;
  const bool is_path =
      url.starts_with('/') && !url.starts_with("//") &&
      std::all_of(url.begin(), url.end(), [](unsigned char c) { return c > ' ' && c != 0x7f; });
  if (!is_path)
    require_url(word, url, UrlKind::page,
                "http:// or https:// URL, and not a path that begins with '/'");
  return word;
}

std::string read_page(const char* file) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) {
    throw BadValue(fmt::format("{}: {}", file, error ? error.message() : "not a regular file"));
  }
  std::ifstream stream(file, std::ios::binary);
  std::string text(kMaxPageBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream.eof() && !stream.good()) throw BadValue(fmt::format("{}: cannot be read", file));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > kMaxPageBytes)
    throw BadValue(fmt::format("{}: larger than {} bytes", file, kMaxPageBytes));
  if (!is_utf8_text(text)) throw BadValue(fmt::format("{}: not UTF-8", file));
  return text;
}

TorrentForm parse_torrent_form(const char* word) {
  return parse_one_of<TorrentForm>(word,
                                   {{"hybrid", TorrentForm::hybrid}, {"v1", TorrentForm::v1}});
}

int parse_list_limit(const char* word) { return static_cast<int>(parse_integer(word, 0, 32767)); }

digest::StampForm parse_stamp_form(const char* word) {
  return parse_one_of<digest::StampForm>(
      word, {{"md5", digest::StampForm::md5}, {"sha256", digest::StampForm::sha256}});
}

RepositoryRule parse_repository(apr_pool_t* pool, std::span<char* const> words) {
  if (words.size() < 2) throw BadValue("takes a directory and a marker, or None");
  std::string_view directory = words[0];
  while (directory.starts_with('/')) directory.remove_prefix(1);
  while (directory.ends_with('/')) directory.remove_suffix(1);
  RepositoryRule rule{std::string(directory), words[1], {}};
  for (const char* word : words.subspan(2)) {
    const char* equals = std::strchr(word, '=');
    if (equals == nullptr) throw BadValue(fmt::format("'{}' is not NAME=REGEX", word));
    rule.arguments.push_back({std::string(word, equals), parse_whole_regex(pool, equals + 1)});
  }
  if (const std::string fault = repository_fault(rule); !fault.empty()) throw BadValue(fault);
  return rule;
}

Fallback parse_fallback(const char* region, const char* country, const char* url) {
  Fallback fallback;
  if (!is_any(region)) {
    const auto known = parse_region(region);
    if (!known)
      throw BadValue(
          fmt::format("'{}' is not a region: AF, AN, AS, EU, NA, OC, SA, or - for any", region));
    fallback.region = region_code(*known);
  }
  if (!is_any(country)) {
    const auto known = CountryCode::parse(country);
    if (!known || known->everyone())
      throw BadValue(
          fmt::format("'{}' is not a country: a code of two letters, or - for any", country));
    fallback.country = known->text();
  }
  fallback.url = parse_base_url(url);
  return fallback;
}

Matcher parse_wildcard(apr_pool_t* pool, const char* word) {
  const char* pattern = apr_pstrdup(pool, word);
  return [pattern](std::string_view text) { return wildcard_match(pattern, text); };
}

Matcher parse_regex(apr_pool_t* pool, const char* word) {
  const ap_regex_t* regex = compiled(pool, word);
  // A match that gave up (too much backtracking) counts as one: the file is then not redirected.
  return [regex](std::string_view text) {
    return ap_regexec_len(regex, text.data(), text.size(), 0, nullptr, 0) != AP_REG_NOMATCH;
  };
}

Prefix parse_network(apr_pool_t*, const char* word) {
  const auto prefix = Prefix::parse(word);
  if (!prefix)
    throw BadValue(fmt::format(
        "'{}' is not a network such as 192.0.2.0/24 or 2001:db8::/32 (host bits must be 0)", word));
  return *prefix;
}

}  // namespace mirror::httpd
