// A former version of a mutable group's anchor, as Metalinks tell it. A plain value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/mirror_set.h"

namespace mirror {

inline constexpr int kFormerVersions = 5;  // are kept of an anchor
// By so much two hosts' clocks may differ. What is replaced later than that is made up.
inline constexpr std::int64_t kFormerFuture_s = 3600;

struct FormerVersion {
  std::string path;  // the anchor's
  std::int64_t size_bytes = 0;
  std::int64_t mtime_s = 0;
  std::int64_t replaced_s = 0;            // Unix time at which another version came
  std::string md5, sha1, sha256, sha512;  // bytes; "": not known
  std::vector<MirrorId> mirrors;          // that have the whole group as it was then, in order
  // Whether it was replaced less than `limit_s` ago.
  bool is_told(double limit_s, std::int64_t now_s) const {
    const double age_s = static_cast<double>(now_s) - static_cast<double>(replaced_s);
    return age_s < limit_s && age_s >= -static_cast<double>(kFormerFuture_s);
  }
  bool operator==(const FormerVersion&) const = default;
};

}  // namespace mirror
