// The one rule for URLs of mirrors, origins, fallbacks and sources, in mb, mod_mirror, mb-scan and
// mb.toml. sql/schema.sql has the same rule for the database (is_mirror_url and the functions
// beside it); t/db/urls_test.cc compares the two. Pure.
//
// A URL that passes can be sent in a header unchanged (RFC 3986): no byte of it needs escaping.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mirror {

inline constexpr std::size_t kMaxUrlBytes = 2048;

// What a URL is for. A base names a folder: it ends in '/', a file's path is put behind it, and it
// has no '?' and '#'.
enum class UrlKind : std::uint8_t {
  http_base,
  https_base,
  web_base,  // http or https
  ftp_base,
  ftp_scan,  // ftp://[USER@]HOST[:PORT]/PATH/ or ftps://, of which no client hears
  rsync,     // rsync://[USER@]HOST[:PORT]/MODULE[/PATH]; rsync takes its path as it is, unescaped
  s3,        // a folder of a bucket (core/s3_url.h)
  page,      // http or https, for people: it may have any path, query and fragment, also in UTF-8
  tracker,   // http, https or udp, with any path and query
};

// What is wrong with a URL. Both parts point into constant text or into the URL.
struct UrlFault {
  std::string_view words;  // a sentence of which "it" is the URL, without its full stop; "": none
  std::string_view part;   // of the URL, where the words need one

  explicit operator bool() const { return !words.empty(); }
  // The words, with the part in quotes and, for a character to escape, its escape.
  std::string text() const;
};

// The first fault of `url`, by its parts from the left.
UrlFault check_url(std::string_view url, UrlKind kind);
inline bool is_url(std::string_view url, UrlKind kind) { return !check_url(url, kind); }

// Of HOST or HOST:PORT: a DNS name in ASCII, an IPv4 address, or an IPv6 address in brackets.
UrlFault check_host_and_port(std::string_view authority);

// HOST[:PORT] of a URL, without a user's name; "" if it has none. Valid as long as the URL.
std::string_view url_authority(std::string_view url);
// HOST alone, an IPv6 address without its brackets.
std::string_view url_host(std::string_view url);

// The URL with `***` in place of a password, for messages: also of one with faults.
std::string without_password(std::string_view url);

// Of two web URLs: whether they are the same, but for the host's case and a port that the scheme
// implies.
bool same_url(std::string_view a, std::string_view b);
// Whether `url` is `folder` or lies below it, by http or https alike. Both end in '/'.
bool is_below(std::string_view url, std::string_view folder);

}  // namespace mirror
