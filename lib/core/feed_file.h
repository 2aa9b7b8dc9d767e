// One changed file on its way from the database into a catalog.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/hashes.h"

namespace mirror {

struct FeedFile {
  std::string path;
  bool shown = false;  // false: no file for anybody any more, and nothing else is told of it
  std::optional<std::string> link_target;  // a link, to this real path
  std::int64_t size_bytes = 0;
  std::int64_t mtime_s = 0;
  std::int64_t cohort_id = 0;
  std::optional<std::int64_t> gone_s;       // Unix time since when the source lacks it
  std::optional<std::int64_t> new_since_s;  // as File has it, at the moment of the pull
  bool pending = false;
  FileHashes hashes;  // of this version; what a catalog without hashes keeps of it, or all
};

}  // namespace mirror
