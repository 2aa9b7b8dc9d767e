// The present versions of files, for those who list a mirror that does not show all of a file's
// size and time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/hashes.h"
#include "pg/connection.h"

namespace mirror::db {

struct KnownFile {
  std::int64_t size_bytes = 0;
  std::int64_t mtime_s = 0;
  std::vector<std::int64_t> earlier_sizes;  // of its last versions before; a size may be twice
};

// For each path: its file, unless it is staged. One statement, whatever their number.
std::vector<std::optional<KnownFile>> find_known_files(Connection&,
                                                       const std::vector<std::string>& paths);
// For each path: its file's digests, as far as they are known of this version.
std::vector<std::optional<FileHashes>> find_known_digests(Connection&,
                                                          const std::vector<std::string>& paths);
// Files whose names web servers leave out of directory indexes, by what they begin with: a dot,
// README and HEADER.
struct HiddenFile {
  std::size_t folder = 0;  // its place among those asked for
  std::string name;
  KnownFile file;
};
// Those directly in these folders; "" is the root.
std::vector<HiddenFile> find_hidden_files(Connection&, const std::vector<std::string>& folders);
// For each path: whether there is a row below it.
std::vector<bool> find_known_folders(Connection&, const std::vector<std::string>& paths);

}  // namespace mirror::db
