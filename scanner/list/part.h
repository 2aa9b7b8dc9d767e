// Where a part of the tree lies on a mirror, whose endpoints may begin above the tree or inside it.
// Pure.
#pragma once

#include <string>
#include <string_view>

namespace mirror::scanner {

struct Part {
  bool nothing = false;         // the mirror has nothing of the asked subtree
  std::string directory;        // to be listed, below the endpoint's URL
  bool may_be_missing = false;  // it is a part of what the mirror should have
  std::string prefix;           // of the tree: goes before every listed path
};

// `subtree`: "" for the whole tree. Below the URL lies `strip_prefix`, which is not in the tree,
// and there begins what the tree has at `add_prefix`; both may be "".
Part part_of_mirror(std::string_view subtree, std::string_view strip_prefix,
                    std::string_view add_prefix);

std::string_view without_slashes(std::string_view path);  // at both ends
// `a` and `b` with a slash between them where neither is empty.
std::string joined_path(std::string_view a, std::string_view b);

}  // namespace mirror::scanner
