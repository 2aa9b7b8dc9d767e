// Mutable groups (core/path_rules.h): which folders are one, and which mirrors have all of its
// members. Whatever changes files or cohorts is a merge, and each merge calls refresh_groups() at
// its end, so that both are seen together. Internal to lib/db; one thread, one Connection, under
// the merge lock.
#pragma once

#include <cstdint>

#include "pg/connection.h"

namespace mirror::db {

enum class GroupsToLookAt : std::uint8_t {
  of_changes,     // whose files or cohorts this merge has changed
  with_new_ones,  // and folders that became a group
  all,            // the rules themselves are others
};

// After the merge's changes are noted under its revision `rev`.
void refresh_groups(Connection&, std::int64_t rev, GroupsToLookAt which);

}  // namespace mirror::db
