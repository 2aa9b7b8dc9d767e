// Which mirrors are stale: the one owner of the doubts `scans`, `stamp` and `files` (standing.h).
//   scans  A full scan of the mirror failed or was refused after its last good one, and that one is
//          older than the newest good scan of any mirror by more than max_scan_age, or else by
//          three times the mirror's interval, and twelve hours at least: nobody knows any more what
//          it has. The interval is the mirror's own scan_interval, else the mean of those between
//          its last ten good scans, else a day. A mirror that nobody tries to scan, or all of them,
//          do not become stale, for then it is not the mirrors that are ill; `mb status` tells.
//   files  By its last full scan the mirror has had files in an old version for longer than max_age
//          (db/merge/behind.h).
//   stamp  The source's stamp has been newer than the mirror's for longer than max_age: a source
//          that pauses makes no mirror stale, nor does its first change after a pause. If the
//          source has no stamp, the age of the mirror's own counts; if it has one that was not read
//          yet, nothing does.
// Time counts up to the last scan or reading: while nobody looks, no mirror becomes stale. Disabled
// mirrors are not stale.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/mirror/standing.h"
#include "pg/connection.h"

namespace mirror::db {

// 0: never.
struct StaleLimits {
  std::optional<double> max_scan_age_s = 0;  // nullopt: by each mirror's interval
  double max_age_s = 0;                      // for mirrors that have none of their own
  std::string stamp_path = {};               // likewise; "": there is no stamp
  // The source has a stamp, whether it was read yet or not: no mirror's own age counts.
  bool source_has_stamp = false;
};

struct StaleChange {
  std::string mirror;
  DoubtKind kind = DoubtKind::scans;
  bool is_stale = false;  // now; else it is no more, for this reason
  std::string reason;     // why it is

  std::string words() const;  // "stale: …"
};

// Each sets and clears its doubts, and returns what changed. judge_stale() judges by scans and
// files; judge_behind() by files and stamps, for the prober, who alone knows whether the source has
// one. To be called after scans and when stamps were read, and now and then. All that they read is
// small. REQUIRES: no transaction is open. For the roles of scanner and admin. Throws Error.
std::vector<StaleChange> judge_stale(Connection&, const StaleLimits& limits);
std::vector<StaleChange> judge_behind(Connection&, const StaleLimits& limits);

// A mirror's own max_age in seconds ("", "never", "48", "0.5"), else the instance's; 0: never.
double max_age_of(std::string_view own, double instance_s);

}  // namespace mirror::db
