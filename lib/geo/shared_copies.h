// Copies of files that the processes of one user share, so that a hundred processes need the memory
// once. They lie in a folder that nobody else may write to; the first process that meets a new
// content copies it, the others wait for it and open the same.
#pragma once

#include <optional>
#include <string>

#include "geo/private_copy.h"

namespace mirror {

class SharedCopies {
 public:
  // `folder` exists and belongs to this process's user.
  explicit SharedCopies(std::string folder) : folder_(std::move(folder)) {}

  // Throws std::runtime_error as copy_privately() does, also when the folder takes no copy (no
  // space, no right): a private copy may do then. Older copies of the same file are removed; who
  // reads them is not disturbed.
  PrivateCopy copy(const std::string& path) const;

 private:
  std::optional<PrivateCopy> find(const std::string& name, const FileIdentity& identity) const;

  std::string folder_;
};

}  // namespace mirror
