// Lists of mirrors as columns have them. Internal to lib/db.
#pragma once

#include <algorithm>
#include <vector>

#include "core/mirror_set.h"
#include "pg/connection.h"

namespace mirror::db {

// In order, each one once, as everything that compares lists of mirrors wants them. Throws Error
// for what is no list of ids.
inline std::vector<MirrorId> mirrors_in(const Result& rows, int row, int column) {
  std::vector<MirrorId> mirrors = rows.int2_array(row, column);
  std::sort(mirrors.begin(), mirrors.end());
  mirrors.erase(std::unique(mirrors.begin(), mirrors.end()), mirrors.end());
  mirrors.erase(mirrors.begin(), std::upper_bound(mirrors.begin(), mirrors.end(), MirrorId{0}));
  return mirrors;
}

}  // namespace mirror::db
