// Watches a folder and all folders below it by inotify(7), and tells in which of them something has
// changed: a file was closed after writing, renamed, linked or deleted, or its mode changed. A file
// that is only being written tells nothing yet. One thread.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "os/descriptor.h"

namespace mirror {

class TreeWatch {
 public:
  // Throws std::system_error when the folder cannot be watched, with what to raise when the
  // system's limit is reached. Folders below that may not be read are left out, and so are those,
  // with all below them, for which `leaves_out` says so; it gets paths relative to the root.
  explicit TreeWatch(std::string root, std::function<bool(const std::string&)> leaves_out = {});

  int fd() const { return inotify_.get(); }  // readable when something has happened
  std::size_t folders() const { return paths_.size(); }

  struct Changes {
    std::set<std::string> folders;  // relative to the root; "" is the root itself
    bool everything = false;        // too much has happened to be told
  };
  // What has happened since the last call; does not wait. Throws as the constructor.
  Changes take();

 private:
  void add(const std::string& folder);
  void forget(const std::string& folder);
  std::string full(const std::string& path) const;

  std::string root_;
  std::function<bool(const std::string&)> leaves_out_;
  Descriptor inotify_;
  std::map<int, std::string> paths_;    // by watch
  std::map<std::string, int> watches_;  // by folder
};

}  // namespace mirror
