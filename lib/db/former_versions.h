// The former versions of mutable groups' anchors (core/former_version.h) as redirectors read them.
// Merges write them (db/merge/anchor_versions.h). One thread, one Connection; functions throw
// Error. What is replaced only in the future is left out, and so is what is beyond the newest
// kFormerVersions of an anchor; a row that cannot be read is left out and added to `unreadable`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/former_version.h"
#include "db/unreadable.h"
#include "pg/connection.h"

namespace mirror::db {

// Of one anchor, the newest first. One prepared statement.
std::vector<FormerVersion> load_former_versions(Connection&, std::string_view path,
                                                UnreadableRows* unreadable = nullptr);

// Of all groups whose rev is above `rev`, with the group's folder: in order of folders, then of
// paths, the newest first.
std::vector<std::pair<std::string, FormerVersion>> former_versions_above(Connection&,
                                                                         std::int64_t rev,
                                                                         UnreadableRows&);

}  // namespace mirror::db
