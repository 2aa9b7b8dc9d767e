// The versions of mutable groups' anchors (table anchor_version): which mirrors matched the whole
// group when the anchor had that version, and were not seen in another state since. Only of anchors
// whose rule has alternates_s; nothing else costs anything here. Internal to lib/db; one thread,
// one Connection. db/former_versions.h reads what redirectors need.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "core/former_version.h"
#include "core/mirror_set.h"
#include "core/path_rules.h"
#include "pg/connection.h"

namespace mirror::db {

// The bytes between which the paths below a folder lie.
struct FolderRange {
  explicit FolderRange(std::string_view folder);
  std::string low, high;
  std::int32_t prefix_bytes = 0;  // of each such path
};

// Of the groups of these folders, and of those with a file in a cohort that this merge has changed:
// takes mirrors away that have another state now, remembers who has the whole present one, and
// notes which versions were replaced. Those that are too old or too many go. For the end of a merge
// under its revision `rev`, once its groups (mutable_group) are right.
void refresh_anchor_versions(Connection&, std::int64_t rev, const PathRules&,
                             std::set<std::string> folders);

// Before a listing of a mirror is merged, as a merge of its own: takes it away from former versions
// that the listing contradicts, which the cohorts alone do not show. `scope` as
// MirrorCompare::scope(); the listing is staged in merge_listing. `asked_only`: files that are not
// listed contradict nothing.
void heed_listing_of_former_versions(Connection&, MirrorId, const Params& scope, bool asked_only,
                                     const PathRules&);

}  // namespace mirror::db
