// A former version of a mutable group's anchor, as Metalinks tell it. A plain value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/mirror_set.h"

namespace mirror {

struct FormerVersion {
  std::string path;  // the anchor's
  std::int64_t size_bytes = 0;
  std::int64_t mtime_s = 0;
  std::int64_t replaced_s = 0;            // Unix time at which another version came
  std::string md5, sha1, sha256, sha512;  // bytes; "": not known
  std::vector<MirrorId> mirrors;          // that have the whole group as it was then, in order
  bool operator==(const FormerVersion&) const = default;
};

}  // namespace mirror
