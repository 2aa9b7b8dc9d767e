// A catalog's directory: CURRENT names the file in force (catalog.N.mdb), which is replaced as a whole; one process of the host
// holds the lock and writes; `contact` has the time of the last word from the database as its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace mirror::catalog {

// Held until destruction, or until the process ends, however it does.
class WriterLock {
 public:
  explicit WriterLock(int fd) : fd_(fd) {}
  WriterLock(WriterLock&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  WriterLock& operator=(WriterLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~WriterLock();

 private:
  int fd_;
};

class Directory {
 public:
  explicit Directory(std::string path) : path_(std::move(path)) {}
  const std::string& path() const { return path_; }

  std::optional<std::string> current() const;  // the whole name of the file in force; nullopt: there is none
  // `whose` says for whom this process writes; what was written for somebody else is in force no longer. nullopt: another one
  // writes. Throws Error.
  std::optional<WriterLock> try_lock(const std::string& whose) const;
  std::string writer() const;  // whose the lock was at last; "" when nobody ever took it

  // For the writer. A whole name that no file has.
  std::string unused_file() const;
  // Puts a file in force that is safe on disk, and removes all others. Throws Error.
  void publish(const std::string& file) const;
  void remove_others() const;
  void note_contact() const;

  std::int64_t contact_s() const;  // Unix time; 0: never

 private:
  std::string path_;
};

}  // namespace mirror::catalog
