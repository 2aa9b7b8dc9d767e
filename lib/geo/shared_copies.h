// Copies of files that the processes of one user share, so that a hundred processes need the memory
// once. They lie in a folder that nobody else may write to; the first process that meets a new
// content copies it, the others wait for it and open the same.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "geo/private_copy.h"

namespace mirror {

class SharedCopies {
 public:
  using Check = std::function<void(const PrivateCopy&)>;

  // `folder` exists and belongs to this process's user.
  explicit SharedCopies(std::string folder) : folder_(std::move(folder)) {}

  // Throws std::runtime_error as copy_privately() does; std::system_error when the folder takes no
  // copy (no space, no right, its lock is held): a private copy may do then. `check` throws where a
  // new copy is not to be shared; what was shared before stays then. Otherwise older copies of the
  // same file are removed; who reads them is not disturbed.
  PrivateCopy copy(const std::string& path, const Check& check) const;

  // What was shared of the path last, for processes that start while the file itself is broken. Its
  // identity is nobody's.
  std::optional<PrivateCopy> last(const std::string& path) const;

 private:
  std::optional<PrivateCopy> open(const std::string& name, const FileIdentity& identity) const;

  std::string folder_;
};

}  // namespace mirror
