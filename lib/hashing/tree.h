// The source's folder. No link is followed on the way to a file, so somebody who moves directories
// cannot lead a reader out of the folder.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hashing/signatures.h"
#include "os/descriptor.h"

namespace mirror::hash {

// What shows that a file has changed.
struct FileStatus {
  std::int64_t size_bytes = 0;
  std::int64_t mtime_s = 0;     // as file.mtime has it
  std::int64_t mtime_nsec = 0;  // of that second; nanoseconds since 1970 would end in 2262
  std::int64_t ctime_ns = 0;    // the clock's when it changed, so far from any end
  std::uint64_t device = 0, inode = 0;
  std::int64_t links = 1;
  bool regular = false;

  bool same_content(const FileStatus& other) const;
};

FileStatus status_of(const struct stat& from);

class SourceTree {
 public:
  // Throws std::system_error when the folder cannot be opened.
  explicit SourceTree(const std::string& root);

  // A regular file or nothing opens; errno tells why not. Any thread.
  Descriptor open_file(const std::string& path) const;
  // The .asc or else the .sig beside the file, if it is readable, not empty and not too long. Any
  // thread.
  Signature read_signature(const std::string& path) const;

  // nullopt: see errno. The rest is for one thread: it keeps the last directory open.
  std::optional<FileStatus> status(const std::string& path);
  // Whether a name in its directory looks like its signature's. Directories are listed when first
  // met and remembered as long as paths come in order, so that a million files without signatures
  // do not cost two million attempts to open one.
  bool may_have_signature(const std::string& path);
  // The ctime_ns that read_signature() would give; 0 without a signature.
  std::int64_t signature_ctime(const std::string& path);

 private:
  struct SignatureNames {
    std::string prefix;           // the directory's path with its slash
    std::set<std::string> names;  // of signatures
    bool readable = false;
  };
  const SignatureNames& listing_of(std::string_view prefix);
  Descriptor open_below(const std::string& path, int flags) const;
  Descriptor root_;
  std::string directory_path_;
  Descriptor directory_;
  std::vector<SignatureNames> listings_;  // each of a directory below the one before
};

}  // namespace mirror::hash
