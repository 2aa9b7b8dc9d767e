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
// For each path: its file as find_known_files() has it, with its MD5 sum if that is known of this
// version; nullopt also where neither that nor an earlier size is known. Paths that are neighbours
// in the order of paths are found quicker.
struct KnownContent {
  KnownFile file;
  std::string md5;  // 16 bytes; "": not known
};
std::vector<std::optional<KnownContent>> find_known_contents(Connection&,
                                                             const std::vector<std::string>& paths);
// Files and folders whose names web servers leave out of directory indexes (as httpd's default
// IndexIgnore), by what they begin with: a dot, README and HEADER; and RCS and CVS.
struct HiddenFile {
  std::size_t folder = 0;  // its place among those asked for
  std::string name;
  bool is_folder = false;  // the source has files below it
  KnownFile file;          // of a folder: nothing
};
// Those directly in these folders; "" is the root.
std::vector<HiddenFile> find_hidden_files(Connection&, const std::vector<std::string>& folders);
// Files that are left out by what their names end in: ~ # ,v and ,t.
struct BackupFile {
  std::string path;
  KnownFile file;
};
// The first ones below the folder ("": all), by path. Reads the whole table.
std::vector<BackupFile> find_backup_files(Connection&, const std::string& folder,
                                          std::int32_t most);
enum class KnownFolder : std::uint8_t {
  none,
  folder,  // there is a row below it
  link     // the source has a link of that name
};
std::vector<KnownFolder> find_known_folders(Connection&, const std::vector<std::string>& paths);

}  // namespace mirror::db
