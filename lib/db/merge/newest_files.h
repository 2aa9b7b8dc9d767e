// The files that a mirror got last: of those that it has, the ones that appeared at the source
// within a day, and those that a comparison is about to give it. Whoever doubts a listing asks the
// mirror for these first. Internal to lib/db; one thread, one Connection; throws Error.
#pragma once

#include <cstdint>
#include <vector>

#include "core/mirror_set.h"
#include "db/probe/probe_files.h"
#include "pg/connection.h"

namespace mirror::db {

// At most `limit` that it has, the newest version first. None where so much of a large table
// changed within the day that all of it would have to be read.
std::vector<ProbeFile> newest_files(Connection&, MirrorId, std::int32_t limit);
// The same with those that it is about to gain, and without those that it is about to lose, as
// merge_changed has them. `gained_only`: of a part of the tree.
std::vector<ProbeFile> newest_after_merge(Connection&, MirrorId, bool gained_only,
                                          std::int32_t limit);

}  // namespace mirror::db
