// Which mirrors are stale: the one owner of the doubt `stale` (standing.h). A mirror is stale if a
// full scan of it failed or was refused after its last good one, and that one is older than the
// newest good scan of any mirror by more than `max_age_s`: nobody knows any more what it has. A
// mirror that nobody tries to scan, or all of them, do not become stale, for then it is not the
// mirrors that are ill; `mb status` tells.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pg/connection.h"

namespace mirror::db {

struct StaleChange {
  std::string mirror;
  bool is_stale = false;  // now; else it is no more
  std::string reason;     // why it is
};

// Sets and clears the doubt; returns what changed. To be called after scans: nothing else changes
// what it judges by. max_age_s 0: none is stale. Disabled mirrors, and those that were never
// scanned and so have no files, are not stale. REQUIRES: no transaction is open. For the roles of
// scanner and admin. Throws Error.
std::vector<StaleChange> judge_stale(Connection&, double max_age_s);

}  // namespace mirror::db
