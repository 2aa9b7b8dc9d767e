// The file with a password for rsync. mb-scan reads it itself, because rsync, run by root, refuses
// files of other users. So root and a timer's user can share one file.
#pragma once

#include <string>

namespace mirror::scanner {

// The first line of `file`. Throws ListingError when it cannot be read, when others may read or
// write it, and when it holds no password.
std::string read_password(const std::string& file);

}  // namespace mirror::scanner
