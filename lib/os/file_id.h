// Identifies a file independent of its name. So a program notices that a name leads to another file
// now, or that an open file was deleted, as when a log is rotated. Any thread.
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

// nullopt if there is no such file or descriptor, or if the system call fails (errno).
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
