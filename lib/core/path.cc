#include "core/path.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/utf8.h"

namespace mirror {
namespace {

constexpr char kHex[] = "0123456789ABCDEF";

constexpr bool is_alphanumeric(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

constexpr auto kPlainInUrl = [] {
  std::array<bool, 256> plain{};
  for (int c = 0; c < 256; ++c) plain[c] = is_alphanumeric(c);
  for (const unsigned char c : std::string_view("-._~/@:=")) plain[c] = true;
  return plain;
}();

void append_escape(std::string& out, unsigned char c) { out += {'%', kHex[c >> 4], kHex[c & 15]}; }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// C0, C1, DEL, and what would break the line or turn its direction round.
bool is_control(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069);
}

PathFault check_segment(std::string_view segment) {
  if (segment.empty()) return PathFault::empty_segment;
  return segment == "." || segment == ".." ? PathFault::dot_segment : PathFault::none;
}

}  // namespace

std::string_view parent_folder(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == path.npos ? std::string_view() : path.substr(0, slash);
}

std::string_view path_fault_text(PathFault fault) {
  switch (fault) {
    case PathFault::none:
      return "no fault";
    case PathFault::empty:
      return "the path is empty";
    case PathFault::too_long:
      static_assert(kMaxPathBytes == 2048);
      return "the path is longer than 2048 bytes";
    case PathFault::leading_slash:
      return "the path starts with a slash";
    case PathFault::dot_segment:
      return "the path has a segment '.' or '..'";
    case PathFault::empty_segment:
      return "the path has an empty segment";
    case PathFault::nul:
      return "the path has a NUL byte";
  }
  return "";
}

PathFault check_path(std::string_view path) {
  if (path.empty()) return PathFault::empty;
  if (path.size() > kMaxPathBytes) return PathFault::too_long;
  if (path.find('\0') != path.npos) return PathFault::nul;
  if (path.front() == '/') return PathFault::leading_slash;
  while (true) {
    const std::size_t slash = path.find('/');
    if (const PathFault fault = check_segment(path.substr(0, slash)); fault != PathFault::none)
      return fault;
    if (slash == path.npos) return PathFault::none;
    path.remove_prefix(slash + 1);
  }
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high << 4 | low);
      i += 2;
    }
    if (c == '\0') return std::nullopt;
    decoded += c;
  }
  return decoded;
}

void append_url_path(std::string& out, std::string_view path) {
  while (!path.empty()) {
    const auto odd =
        std::find_if(path.begin(), path.end(), [](unsigned char c) { return !kPlainInUrl[c]; });
    const auto run = static_cast<std::size_t>(odd - path.begin());
    out += path.substr(0, run);
    if (run == path.size()) return;
    append_escape(out, static_cast<unsigned char>(path[run]));
    path.remove_prefix(run + 1);
  }
}

void append_url_query(std::string& out, std::string_view query) {
  out += '?';
  for (const unsigned char c : query) {
    if (c > ' ' && c < 0x7f && c != '"' && c != '#' && c != '<' && c != '>') {
      out += static_cast<char>(c);
    } else {
      append_escape(out, c);
    }
  }
}

std::string url_path(std::string_view path) {
  std::string escaped;
  escaped.reserve(path.size() + path.size() / 4);
  append_url_path(escaped, path);
  return escaped;
}

std::string file_url(std::string_view base, std::string_view path) {
  std::string url;
  url.reserve(base.size() + path.size() + path.size() / 4);
  url += base;
  append_url_path(url, path);
  return url;
}

std::string printable(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const auto [value, length] = first_code_point(bytes);
    const std::size_t taken = length == 0 ? 1 : length;
    if (value == '\\') {
      out += "\\\\";
    } else if (length != 0 && !is_control(value)) {
      out += bytes.substr(0, taken);
    } else {
      for (const unsigned char c : bytes.substr(0, taken))
        out += {'\\', 'x', kHex[c >> 4], kHex[c & 15]};
    }
    bytes.remove_prefix(taken);
  }
  return out;
}

}  // namespace mirror
