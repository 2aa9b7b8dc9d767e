// The former versions of mutable groups' anchors (core/former_version.h) as redirectors read them.
// Merges write them (db/merge/anchor_versions.h). One thread, one Connection; functions throw
// Error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/former_version.h"
#include "pg/connection.h"

namespace mirror::db {

// Of one anchor, the newest first. One prepared statement.
std::vector<FormerVersion> load_former_versions(Connection&, std::string_view path);

// Of all groups whose rev is above `rev`, with the group's folder: in order of folders, then of
// paths, the newest first.
std::vector<std::pair<std::string, FormerVersion>> former_versions_above(Connection&,
                                                                         std::int64_t rev);

}  // namespace mirror::db
