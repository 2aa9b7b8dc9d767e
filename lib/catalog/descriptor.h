// A file descriptor that is closed by its destructor.
#pragma once

#include <unistd.h>

#include <string>
#include <utility>

namespace mirror::catalog {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// Makes names in it safe on disk. Throws Error.
bool sync_directory(const std::string& path);

}  // namespace mirror::catalog
