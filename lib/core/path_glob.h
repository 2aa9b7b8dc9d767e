// One pattern for paths of the tree, as mb.toml has it in `immutable` and `mutable`. Pure.
//
//   ?    one byte, but '/'
//   *    any number of bytes, also none, but no '/'
//   **   any number of bytes, '/' too; "**/" at the beginning of a segment also none, so that
//        "a/**/b" fits a/b
//   /    at the beginning: the pattern begins at the tree's root. Without it, it fits at every
//        level, as if "**/" stood before it: "*.rpm", "pool/**", "by-hash/**"
//
// It must fit the whole path; upper and lower case differ. '[', ']', '{', '}' and '\' are refused,
// so that nobody takes them for the sets and escapes of other programs.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mirror {

inline constexpr std::size_t kMaxPathGlobBytes = 255;

class PathGlob {
 public:
  // Why the text is no pattern; "": it is one.
  static std::string fault(std::string_view text);

  explicit PathGlob(std::string text);  // without a fault

  bool fits(std::string_view path) const;            // in time linear in pattern × path
  const std::string& text() const { return text_; }  // as it was given
  // The same as a regular expression of PostgreSQL on the path's hexadecimal digits, whatever the
  // database's encoding is. Without anchors.
  std::string hex_regex() const;

 private:
  std::string text_;
  std::string pattern_;         // from the root on, without the leading '/'
  std::size_t tail_bytes_ = 0;  // of pattern_, behind its last wildcard
};

}  // namespace mirror
