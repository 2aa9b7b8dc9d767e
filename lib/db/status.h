// What `mb status` asks the database beside the mirrors themselves: how scans, the source and the
// prober are doing. Ages are by the database's clock.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/mirror_set.h"
#include "pg/connection.h"

namespace mirror::db {

// A scan that has ended, and the last good one.
struct LastScan {
  std::string outcome, error;        // of the last one; outcome "" when none has ended
  std::optional<std::int64_t> good;  // seconds since the last good full scan ended; nullopt: never

  bool failed() const { return outcome == "failed" || outcome == "refused" || outcome == "held"; }
};

struct Overview {
  std::int64_t now_s = 0;              // the database's clock, Unix time
  std::map<MirrorId, LastScan> scans;  // mirrors without any scan are missing
  LastScan source;
  std::optional<std::int64_t> probed_age_s;  // since anything was probed; nullopt: never
  std::int64_t files = 0;                    // of all cohorts
  std::int64_t database_bytes = 0;
  bool read_only = false;  // by a setting for everybody; not a standby
};

// Throws Error.
Overview read_overview(Connection&);

}  // namespace mirror::db
