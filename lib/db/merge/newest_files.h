// The files that a mirror got last: of those that it has, the ones that appeared at the source
// within a day, and those that a comparison is about to give it. Whoever doubts a listing asks the
// mirror for these first. Internal to lib/db; one thread, one Connection; throws Error.
#pragma once

#include <cstdint>
#include <vector>

#include "core/mirror_set.h"
#include "db/merge/scan.h"
#include "db/probe/probe_files.h"
#include "pg/connection.h"

namespace mirror::db {

// At most `limit` that it has, the newest version first, in any order where that is the same. Where
// so much of a large table changed within the day that all of it would have to be read, only those
// of the time for which there are notes.
std::vector<ProbeFile> newest_files(Connection&, MirrorId, std::int32_t limit);
// Those that it is about to gain, as merge_changed has them, and in turn with them those that it
// has and is not about to lose. `gained_only`: of a part of the tree. Without times.
NewestFiles newest_after_merge(Connection&, MirrorId, bool gained_only, std::int32_t limit);

}  // namespace mirror::db
