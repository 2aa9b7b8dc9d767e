// A catalog's directory: CURRENT names the file in force (catalog.N.mdb), which is replaced as a
// whole; one process of the host holds the lock and writes; `contact` has the time of the last word
// from the database as its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "os/descriptor.h"

namespace mirror::catalog {

// Held until destruction, or until the process ends, however it does.
class WriterLock {
 public:
  WriterLock(Descriptor descriptor, std::string file)
      : descriptor_(std::move(descriptor)), file_(std::move(file)) {}
  // Whether it still keeps others out. They lock the file that has the name now.
  bool in_place() const;

 private:
  Descriptor descriptor_;
  std::string file_;
};

// To a file of this name, from where the descriptor stands. Throws Error.
void write_all(int fd, const std::string& name, std::string_view bytes);
// Makes names in it safe on disk; false: errno tells why not.
bool sync_directory(const std::string& path);

// Where the module keeps the catalog of a database with this name (db::database_name) by default.
std::string default_directory(const std::string& database);

class Directory {
 public:
  explicit Directory(std::string path) : path_(std::move(path)) {}
  const std::string& path() const { return path_; }

  // The whole name of the file in force; nullopt: there is none. Throws Error.
  std::optional<std::string> current() const;
  // `whose` says for whom this process writes; what was written for somebody else is in force no
  // longer. nullopt: another one writes. Throws Error.
  std::optional<WriterLock> try_lock(const std::string& whose) const;
  std::string writer()
      const;                // whose the lock was at last; "" when nobody ever took it; throws Error
  bool is_written() const;  // whether a process holds the lock now

  // For the writer. A whole name that no file has: of the number that follows the one in force and
  // `after`, a whole name. Files of other numbers, whoever put them there, do not matter.
  std::string unused_file(const std::string& after = "") const;
  // Puts a file that is safe on disk into use, and removes all others. Throws Error.
  void publish(const std::string& file) const;
  void remove_others() const;
  void note_contact() const;
  void forget_contact() const;  // what is put in force next tells its age itself

  std::int64_t contact_s() const;  // Unix time; 0: never

 private:
  std::string path_;
};

// A new file, which is removed unless it is in force when this ends.
class Unfinished {
 public:
  explicit Unfinished(std::string file) : file_(std::move(file)) {}
  Unfinished(const Unfinished&) = delete;
  ~Unfinished();
  void finish() { finished_ = true; }

 private:
  const std::string file_;
  bool finished_ = false;
};

}  // namespace mirror::catalog
