#include "core/sums_line.h"

#include <utility>

namespace mirror {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Its length tells which digest it is.
bool read_digest(std::string_view hex, SumsLine& line) {
  static constexpr std::pair<std::size_t, std::string FileHashes::*> kLengths[] = {
      {32, &FileHashes::md5},
      {40, &FileHashes::sha1},
      {64, &FileHashes::sha256},
      {128, &FileHashes::sha512}};
  for (const auto& [length, member] : kLengths) {
    if (hex.size() == length) line.digest = member;
  }
  if (!line.digest) return false;
  for (std::size_t at = 0; at < hex.size(); at += 2) {
    const int high = hex_digit(hex[at]), low = hex_digit(hex[at + 1]);
    if (high < 0 || low < 0) return false;
    line.value += static_cast<char>(high * 16 + low);
  }
  return true;
}

// coreutils: a line that begins with a backslash has \\, \n and \r in its name.
bool read_name(std::string_view name, bool escaped, SumsLine& line) {
  while (name.starts_with("./")) name.remove_prefix(2);
  for (std::size_t at = 0; at < name.size(); ++at) {
    char c = name[at];
    if (escaped && c == '\\') {
      if (++at == name.size()) return false;
      c = name[at] == 'n' ? '\n' : name[at] == 'r' ? '\r' : name[at];
      if (c == name[at] && c != '\\') return false;
    }
    line.name += c;
  }
  return !line.name.empty();
}

}  // namespace

std::optional<SumsLine> parse_sums_line(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  const bool escaped = text.starts_with('\\');
  if (escaped) text.remove_prefix(1);
  SumsLine line;
  const std::size_t open = text.find(" ("), close = text.rfind(") = ");
  const std::string_view tag = text.substr(0, open);
  if (open != text.npos && close != text.npos && close > open &&
      (tag == "MD5" || tag == "SHA1" || tag == "SHA256" || tag == "SHA512")) {
    const auto member = tag == "MD5"      ? &FileHashes::md5
                        : tag == "SHA1"   ? &FileHashes::sha1
                        : tag == "SHA256" ? &FileHashes::sha256
                                          : &FileHashes::sha512;
    if (!read_digest(text.substr(close + 4), line) || line.digest != member) return std::nullopt;
    if (!read_name(text.substr(open + 2, close - open - 2), escaped, line)) return std::nullopt;
    return line;
  }
  const std::size_t space = text.find(' ');
  if (space == text.npos || space + 2 >= text.size() ||
      (text[space + 1] != ' ' && text[space + 1] != '*'))
    return std::nullopt;
  if (!read_digest(text.substr(0, space), line) ||
      !read_name(text.substr(space + 2), escaped, line))
    return std::nullopt;
  return line;
}

}  // namespace mirror
