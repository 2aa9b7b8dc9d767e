// Who changes a mirror's standing: the one owner of how it goes from one to another. A mirror is
// doubted for several reasons at once, a row of table `doubt` each. Its standing is the worst one:
// wrong, then returning, then stale; good when there is none. So whoever finds out one thing sets
// and clears that alone, and never overrides what another has found (DoubtKind).
// Redirectors heed a change within a second, and each change of the standing is an event.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/health.h"
#include "core/mirror_set.h"
#include "pg/connection.h"

namespace mirror::db {

enum class DoubtKind : std::uint8_t {
  wrong,      // the prober: what the mirror serves is not what was listed
  returning,  // the prober: it was down for long, and its files were not checked since
  scans,      // stale, by the age of its last good scan (db/mirror/stale.h judges all three)
  stamp,      // stale, by its stamp
  files       // stale, by files that it has in an old version
};
Standing standing_of(DoubtKind kind);
std::optional<DoubtKind> parse_doubt(std::string_view name);  // as the table has it

struct Doubt {
  DoubtKind kind = DoubtKind::wrong;
  std::int64_t since_s = 0;  // Unix time
  std::string reason;        // in words
};

// From now on the mirror is doubted for this. REQUIRES: no transaction is open. `reason`: words for
// people; control characters and what is beyond 500 bytes are left out. If the mirror was doubted
// for this before, the time since when stays, and a new reason replaces the old one. Writes nothing
// that is there already, so it may be called each round. Returns whether the doubt is new; false
// also for a mirror that is gone. For the roles of scanner and admin. Throws Error.
bool set_doubt(Connection&, MirrorId, DoubtKind kind, std::string_view reason);
// The mirror is not doubted for this any more. Returns whether it was.
bool clear_doubt(Connection&, MirrorId, DoubtKind kind);

// The worst first.
std::vector<Doubt> read_doubts(Connection&, MirrorId);

}  // namespace mirror::db
