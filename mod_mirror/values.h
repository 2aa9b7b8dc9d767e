// Parse the values of directives. Each throws BadValue with the reason if it cannot use the value.
#pragma once

#include <strings.h>

#include <initializer_list>
#include <utility>

#include "directives.h"

namespace mirror::httpd {

bool parse_flag(const char* word);
std::int64_t parse_integer(const char* word, std::int64_t least, std::int64_t most);
std::int64_t parse_size(const char* word);  // bytes; K, M, G multiply by 1024, its square, its cube
std::chrono::milliseconds parse_timeout(const char* word);
int parse_max_links(const char* word);
double parse_distance(const char* word);
std::int64_t parse_stickiness(const char* word);
std::int64_t parse_repeat_window(const char* word);  // seconds, up to an hour
double parse_factor(const char* word);
std::string parse_base_url(const char* word);  // adds a '/' at the end
std::string parse_page_url(const char* word);  // http or https, with any path and query
std::string parse_tracker(const char* word);   // http, https or udp
DhtNode parse_dht_node(const char* word);
std::string parse_reference(
    const char* word);  // what an href may be: an http or https URL, or a path that begins with '/'
// Reads HTML from a file: UTF-8, at most kMaxPageBytes.
inline constexpr std::size_t kMaxPageBytes = 256 * 1024;
std::string read_page(const char* file);
TorrentForm parse_torrent_form(const char* word);
int parse_list_limit(const char* word);
digest::StampForm parse_stamp_form(const char* word);
// DIRECTORY MARKER [NAME=REGEX...]
RepositoryRule parse_repository(apr_pool_t* pool, std::span<char* const> words);
Fallback parse_fallback(const char* region, const char* country, const char* url);
Matcher parse_wildcard(apr_pool_t* pool, const char* word);
Matcher parse_regex(apr_pool_t* pool, const char* word);
Prefix parse_network(apr_pool_t* pool, const char* word);

template <class Choice>
Choice parse_one_of(const char* word,
                    std::initializer_list<std::pair<const char*, Choice>> choices) {
  std::string names;
  for (const auto& [name, choice] : choices) {
    if (strcasecmp(word, name) == 0) return choice;
    names.append(names.empty() ? "" : ", ").append(name);
  }
  throw BadValue("'" + std::string(word) + "' is none of " + names);
}

}  // namespace mirror::httpd
