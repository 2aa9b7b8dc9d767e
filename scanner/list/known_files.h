// What the source has of a listing's files. Methods that list less than sizes and times look at it
// to see what they must ask the server for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "db/merge/known_files.h"

namespace mirror::scanner {

// One thread: the one that lists. Paths are as listed, without the Listing's prefix.
class KnownFiles {
 public:
  virtual ~KnownFiles() = default;
  // For each path, the source's file; nullopt: it has none.
  virtual std::vector<std::optional<db::KnownFile>> files(
      const std::vector<std::string>& paths) = 0;
  // For each path, the digests of the source's file, as far as they are known.
  virtual std::vector<std::optional<FileHashes>> digests(const std::vector<std::string>& paths) = 0;
  // The source's files directly in these folders ("" is the root) that web servers do not show.
  virtual std::vector<db::HiddenFile> hidden(const std::vector<std::string>& folders) = 0;
  // For each path, whether the source has anything below it.
  virtual std::vector<bool> folders(const std::vector<std::string>& paths) = 0;
};

}  // namespace mirror::scanner
