// What an admin says of paths of the tree (mb.toml): which files never change. Immutable, pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/path_glob.h"

namespace mirror {

inline constexpr std::size_t kMaxPathGlobs = 500;

class PathRules {
 public:
  PathRules() = default;
  // Patterns with a fault are left out: what comes from a database is not trusted.
  explicit PathRules(const std::vector<std::string>& immutable);

  // Immutable files never get other content under the same path. That they are there, in the right
  // size, is all that is asked of a mirror.
  bool is_immutable(std::string_view path) const { return immutable_glob(path) != nullptr; }
  // The first pattern that fits; nullptr: none.
  const PathGlob* immutable_glob(std::string_view path) const;
  const std::vector<PathGlob>& immutable() const { return immutable_; }
  std::vector<std::string> immutable_texts() const;
  bool operator==(const PathRules& other) const {
    return immutable_texts() == other.immutable_texts();
  }
  // For all patterns together, with anchors (PathGlob::hex_regex); "": there are none.
  std::string immutable_hex_regex() const;

 private:
  std::vector<PathGlob> immutable_;
};

}  // namespace mirror
