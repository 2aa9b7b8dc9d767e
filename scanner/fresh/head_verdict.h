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

bool confirms(const db::FreshFile& file, bool immutable, db::TimeKeeping keeping,
              const HeadFacts& facts);

}  // namespace mirror::fresh
