#include "core/wildcard.h"

#include "core/ascii.h"

namespace mirror {
namespace {

bool same(char a, char b, Letters letters) {
  return a == b || (letters == Letters::any_case && lower(a) == lower(b));
}

}  // namespace

bool wildcard_match(std::string_view pattern, std::string_view text, Letters letters) {
  std::size_t p = 0, t = 0, star = pattern.npos, star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || same(pattern[p], text[t], letters))) {
      ++p, ++t;
    } else if (star !=
               pattern
                   .npos) {  // the last star takes one character more; earlier ones never need to
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == pattern.npos;
}

}  // namespace mirror
