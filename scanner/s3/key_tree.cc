#include "scanner/s3/key_tree.h"

#include <utility>

#include "core/path.h"

namespace mirror::scanner::s3 {

bool KeyTree::add(ListedObject&& object) {
  if (object.key <= last_ || !object.key.starts_with(prefix_)) return false;
  last_ = object.key;
  object.key.erase(0, prefix_.size());
  if (object.key.empty()) return true;  // the marker of the root
  while (!held_.empty() && !object.key.starts_with(held_.back().key)) {
    sink_(std::move(held_.back()));
    held_.pop_back();
  }
  if (object.key.ends_with('/') && object.size_bytes == 0) {
    object.key.pop_back();
    if (check_path(object.key) != PathFault::none) odd_(last_);
    return true;
  }
  if (check_path(object.key) != PathFault::none) {
    odd_(last_);
    return true;
  }
  drop_if_folder(object.key);
  held_.push_back(std::move(object));
  return true;
}

// Files that are a folder of this key as well.
void KeyTree::drop_if_folder(std::string_view key) {
  std::erase_if(held_, [&](const ListedObject& file) {
    const bool is_folder = key.size() > file.key.size() && key[file.key.size()] == '/';
    if (is_folder) odd_(prefix_ + file.key);
    return is_folder;
  });
}

void KeyTree::finish() {
  for (ListedObject& object : held_) sink_(std::move(object));
  held_.clear();
}

}  // namespace mirror::scanner::s3
