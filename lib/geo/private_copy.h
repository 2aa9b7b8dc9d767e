// A copy of a file in memory without a name, so nobody else can change it: overwriting or
// truncating the file cannot harm readers of the copy. The memory is freed with its last mapping
// and descriptor.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>

#include "os/descriptor.h"

namespace mirror {

// Which content of a file it was, so that another one under the same name is noticed.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t mtime_s = 0;
  std::int64_t mtime_ns = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

// Both throw std::runtime_error with the reason, which does not name the file.
FileIdentity identify(const std::string& path);

struct PrivateCopy {
  Descriptor memory;  // see memfd_create(2); sealed, so that this process cannot change it either
  FileIdentity identity;
};

// Refuses what is not a regular file, and a file that somebody wrote meanwhile.
PrivateCopy copy_privately(const std::string& path);

// The same into an open file; returns what was copied. Throws std::system_error where that file
// takes it not.
FileIdentity copy_into(const std::string& path, int descriptor);

}  // namespace mirror
