#include "scanner/list/part.h"

#include <fmt/format.h>

namespace mirror::scanner {
namespace {

bool lies_in(std::string_view path, std::string_view directory) {
  return directory.empty() || path == directory ||
         (path.starts_with(directory) && path[directory.size()] == '/');
}

}  // namespace

std::string_view without_slashes(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

std::string joined_path(std::string_view a, std::string_view b) {
  return a.empty() || b.empty() ? fmt::format("{}{}", a, b) : fmt::format("{}/{}", a, b);
}

Part part_of_mirror(std::string_view subtree, std::string_view strip_prefix,
                    std::string_view add_prefix) {
  const std::string_view strip = without_slashes(strip_prefix);
  const std::string_view add = without_slashes(add_prefix);
  Part part;
  if (lies_in(add, subtree)) {
    part.directory = strip;
    part.prefix = add;
  } else if (lies_in(subtree, add)) {
    part.directory = joined_path(strip, without_slashes(subtree.substr(add.size())));
    part.may_be_missing = true;
    part.prefix = subtree;
  } else {
    part.nothing = true;
  }
  return part;
}

}  // namespace mirror::scanner
