// Whether what a mirror says of a file by HEAD shows that it has the present version: by the rules
// that listings are compared with (lib/db/merge/mirror_compare.cc). Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "db/mirror/time_keeping.h"
#include "db/probe/fresh_files.h"

namespace mirror::fresh {

struct HeadFacts {
  std::optional<std::int64_t> size_bytes, mtime_s;  // nullopt: it does not say
};

// `times`: as full scans measured them. By how much the mirror's are ahead is taken off first.
bool confirms(const db::FreshFile& file, bool immutable, const db::MeasuredTimes& times,
              const HeadFacts& facts);

}  // namespace mirror::fresh
