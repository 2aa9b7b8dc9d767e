// Letters of ASCII without regard to the locale, as the Internet's names and keywords have them.
// Other bytes stay as they are. Pure.
#pragma once

#include <string>
#include <string_view>

namespace mirror {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

inline std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

}  // namespace mirror
