// What a prober keeps in the database: a row for each way of a mirror, from which triggers make
// what redirectors read, and the events. db/mirror/health.h reads them. Throws Error.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/health.h"
#include "core/model.h"
#include "db/scan_lock.h"
#include "pg/connection.h"

namespace mirror::db {

// The number of the prober's lock in scan_lock, which no mirror has.
inline constexpr MirrorId kProberLock = -1;

struct HealthRow {
  MirrorId mirror_id = 0;
  Way way;
  std::string state = "unknown";  // up, down
  std::string reason;             // why it is down
  std::optional<std::int64_t> latency_ms;
  std::optional<std::int64_t> certificate_end_s;  // Unix time
  std::string final_host = {};                    // to which it redirects; "": to none
  double age_s = 0;                               // as read: how long the state has been so
};

// Makes or changes these rows, which stand by mirror: all or none of each mirror. One that is gone
// is left out. What was checked was checked now; `since` moves with the state alone.
void write_health(Connection&, const std::vector<HealthRow>& rows);
void drop_health(Connection&, const std::vector<std::pair<MirrorId, Way>>& ways);

// How many seconds ago each way went up or down within the last day: the oldest first, and the last
// ones of many.
std::map<std::pair<MirrorId, std::string>, std::vector<double>> recent_changes(Connection&);
// Makes this mirror's ways unknown, which count as up: what a prober that runs no more has left.
// Returns how many were known.
std::int64_t forget_health(Connection&, MirrorId);
// Forgets the oldest events after 400 days, some at a time. Returns how many.
std::int64_t prune_events(Connection&);

// Whether the mirrors were changed is told by this number.
std::int64_t mirrors_revision(Connection&);

}  // namespace mirror::db
