// What mb-probe has found of the mirrors, and what changed of them, as people read it. Redirects
// need the mirror's own row alone (core/health.h).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/health.h"
#include "core/mirror_set.h"
#include "pg/connection.h"

namespace mirror::db {

// Of one way to a mirror. Times are Unix times.
struct WayHealth {
  Way way;
  std::string state;  // "up", "down", "unknown"
  std::int64_t since_s = 0;
  std::optional<std::int64_t> checked_s;  // nullopt: never
  std::string reason;                     // why it is down
  std::optional<std::int32_t> latency_ms;
  std::optional<std::int64_t> certificate_end_s;
  std::string final_host = {};  // to which it redirects; "": to none
};

// By mirror, each in the order of kWays. Of all mirrors, or of one.
std::map<MirrorId, std::vector<WayHealth>> read_health(Connection&);
std::vector<WayHealth> read_health(Connection&, MirrorId);

// A change of a mirror's health ("https/ipv6"), standing ("standing") or switch ("enabled").
struct Event {
  std::int64_t at_s = 0;
  MirrorId mirror_id = 0;
  std::string mirror, what, from, to, why;  // mirror: its identifier then
};

// The oldest first, from `since_s` on; of one mirror, by the name that it had then or has now, or
// of all ("").
std::vector<Event> read_events(Connection&, std::string_view mirror, std::int64_t since_s);

// Of the seconds from `since_s` to `now_s`, the share in which this way to the mirror was not down;
// `events` from `since_s` or earlier on, the oldest first. Pure.
double availability(MirrorId mirror, const WayHealth& way, const std::vector<Event>& events,
                    std::int64_t since_s, std::int64_t now_s);

}  // namespace mirror::db
