// A catalog cannot be read or written: the message says what and where; the code is LMDB's
// (negative) or errno.
#pragma once

#include <stdexcept>
#include <string>

namespace mirror::catalog {

inline constexpr int kCrashes = -1;  // a code of our own: processes crashed on it

class Error : public std::runtime_error {
 public:
  Error(const std::string& what, int code);
  int code() const { return code_; }
  bool full() const;  // the disk, the quota or MirrorCatalogMaxSize
  bool corrupt()
      const;  // not a catalog, or a damaged one, or one that cannot be read as it was opened

 private:
  int code_;
};

// Throws Error with corrupt(): the record of such a thing in that file.
[[noreturn]] void throw_damaged(const std::string& file, const std::string& thing);

// Throws Error for anything but 0.
void check(int code, const std::string& what);

}  // namespace mirror::catalog
