// Which file it is, whatever its name: tells a name that was given to another file, and a file that
// was deleted while it is open, as programs notice that their log was rotated. Any thread.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

namespace mirror {

struct FileId {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const FileId&) const = default;
};

// nullopt where the name or the descriptor is none of a file's, or that cannot be found out now
// (errno).
inline std::optional<FileId> file_id(const std::string& name) {
  struct stat found;
  if (::stat(name.c_str(), &found) != 0) return std::nullopt;
  return FileId{found.st_dev, found.st_ino};
}

inline std::optional<FileId> file_id(int fd) {
  struct stat found;
  if (::fstat(fd, &found) != 0) return std::nullopt;
  return FileId{found.st_dev, found.st_ino};
}

}  // namespace mirror
