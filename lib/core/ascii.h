// Letters, blanks and control characters of ASCII without regard to the locale, as the Internet's
// names and keywords have them. Other bytes stay as they are. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mirror {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

inline std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

inline std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

// Of ASCII: what no line, header or password may have. Without a branch, so that loops over it are
// vectorized.
constexpr bool is_control(unsigned char c) { return (c < ' ') | (c == 0x7f); }

// Without blanks and ends of lines at both ends.
constexpr std::string_view without_blanks(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

}  // namespace mirror
