// Names in a tree that are ignored, such as temporary files of transfers. Pure. An Exclusion
// belongs to one thread, because it remembers the last folder it was asked about.
//
// A pattern is a glob: `*` and `?` stand for any bytes but a slash, `[a-z]` and `[!a-z]` for one
// byte of a set, a backslash takes the next byte as it is. A pattern without a slash is matched
// with every name on the way, else with the path from the tree's root. One that ends in a slash
// fits folders only. What lies below an excluded folder is excluded.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mirror::scanner {

bool glob_matches(std::string_view pattern, std::string_view text);

class Exclusion {
 public:
  explicit Exclusion(const std::vector<std::string>& patterns);
  // `path` is of the tree and has passed check_path.
  bool excludes(std::string_view path, bool is_directory);

 private:
  struct Pattern {
    std::string glob;
    bool of_path = false;  // else of a name
    bool directory_only = false;
  };
  bool fits(std::string_view path, std::string_view name, bool is_directory) const;
  bool excludes_folder(std::string_view folder);
  std::vector<Pattern> patterns_;
  std::string last_folder_;
  bool last_excluded_ = false;
};

}  // namespace mirror::scanner
