#include "db/mirror/health.h"

#include <algorithm>

namespace mirror::db {
namespace {

constexpr const char* kHealth =
    "SELECT mirror_id, scheme || '/' || family, state, extract(epoch FROM since)::bigint, "
    "extract(epoch FROM checked)::bigint, reason, latency_ms, "
    "extract(epoch FROM certificate_end)::bigint, final_host FROM health WHERE $1::smallint IS "
    "NULL OR "
    "mirror_id = $1 ORDER BY mirror_id, scheme, family";

constexpr const char* kEvents =
    "SELECT extract(epoch FROM at)::bigint, mirror_id, mirror, what, \"from\", \"to\", why FROM "
    "event "
    "WHERE at >= to_timestamp($2::double precision) AND ($1 = '' OR mirror = $1 OR mirror_id = "
    "(SELECT id FROM mirror WHERE identifier = $1)) ORDER BY at, id";

std::map<MirrorId, std::vector<WayHealth>> read(Connection& connection, const Params& which) {
  const Result rows = connection.run(kHealth, which);
  std::map<MirrorId, std::vector<WayHealth>> mirrors;
  for (int row = 0; row < rows.rows(); ++row) {
    const auto way = Way::parse(rows.bytes(row, 1));
    if (!way) continue;  // of a later version
    WayHealth& health = mirrors[rows.int2(row, 0)].emplace_back();
    health.way = *way;
    health.state = rows.bytes(row, 2);
    health.since_s = rows.int8(row, 3);
    health.checked_s = rows.maybe_int8(row, 4);
    health.reason = rows.bytes(row, 5);
    if (!rows.is_null(row, 6)) health.latency_ms = rows.int4(row, 6);
    health.certificate_end_s = rows.maybe_int8(row, 7);
    health.final_host = rows.bytes(row, 8);
  }
  return mirrors;
}

}  // namespace

std::map<MirrorId, std::vector<WayHealth>> read_health(Connection& connection) {
  return read(connection, Params().null());
}

std::vector<WayHealth> read_health(Connection& connection, MirrorId mirror) {
  return read(connection, Params().int2(mirror))[mirror];
}

std::vector<Event> read_events(Connection& connection, std::string_view mirror,
                               std::int64_t since_s) {
  const Result rows =
      connection.run(kEvents, Params().text(mirror).float8(static_cast<double>(since_s)));
  std::vector<Event> events;
  for (int row = 0; row < rows.rows(); ++row) {
    Event& event = events.emplace_back();
    event.at_s = rows.int8(row, 0);
    event.mirror_id = rows.int2(row, 1);
    std::string* const texts[] = {&event.mirror, &event.what, &event.from, &event.to, &event.why};
    for (int i = 0; i < 5; ++i) *texts[i] = rows.bytes(row, 2 + i);
  }
  return events;
}

double availability(MirrorId mirror, const WayHealth& way, const std::vector<Event>& events,
                    std::int64_t since_s, std::int64_t now_s) {
  if (now_s <= since_s) return way.state == "down" ? 0 : 1;
  // Backwards from now: a state lasted from its event on.
  std::int64_t end_s = now_s, down_s = 0;
  std::string_view state = way.state;
  const std::string name = way.way.text();
  for (auto event = events.rbegin(); event != events.rend() && end_s > since_s; ++event) {
    if (event->what != name || event->mirror_id != mirror) continue;
    const std::int64_t from_s = std::clamp(event->at_s, since_s, end_s);
    if (state == "down") down_s += end_s - from_s;
    end_s = from_s;
    state = event->from;
  }
  if (state == "down") down_s += end_s - since_s;
  return 1 - static_cast<double>(down_s) / static_cast<double>(now_s - since_s);
}

}  // namespace mirror::db
