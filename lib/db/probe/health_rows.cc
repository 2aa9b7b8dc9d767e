#include "db/probe/health_rows.h"

#include <algorithm>

namespace mirror::db {
namespace {

std::string scheme_of(Way way) { return way.https ? "https" : "http"; }
std::string family_of(Way way) { return way.family == Family::ipv6 ? "ipv6" : "ipv4"; }

Params& add_optional(Params& params, const std::optional<std::int64_t>& value) {
  return value ? params.int8(*value) : params.null();
}

void write_row(Connection& connection, const HealthRow& row) {
  Params params;
  params.int2(row.mirror_id).text(scheme_of(row.way)).text(family_of(row.way));
  params.text(row.state).text(row.reason);
  add_optional(params, row.latency_ms);
  add_optional(params, row.certificate_end_s);
  params.text(row.final_host);
  connection.run(
      "INSERT INTO health (mirror_id, scheme, family, state, checked, reason, latency_ms, "
      "certificate_end, final_host) SELECT id, $2, $3, $4, now(), $5, $6::bigint::integer, "
      "CASE WHEN $7::bigint IS NOT NULL THEN to_timestamp(least(greatest($7::bigint, 0), "
      "253402300799)) END, $8 FROM mirror WHERE id = $1 "
      "ON CONFLICT (mirror_id, scheme, family) DO UPDATE SET state = excluded.state, "
      "since = CASE WHEN health.state = excluded.state THEN health.since ELSE now() END, "
      "checked = now(), reason = excluded.reason, latency_ms = excluded.latency_ms, "
      "certificate_end = excluded.certificate_end, final_host = excluded.final_host",
      params);
}

// `rows` are of one mirror, whose row is locked first, as whoever changes or deletes it does.
void write_mirror(Connection& connection, const HealthRow* begin, const HealthRow* end) {
  Transaction transaction(connection);
  connection.run("SELECT FROM mirror WHERE id = $1 FOR NO KEY UPDATE",
                 Params().int2(begin->mirror_id));
  for (const HealthRow* row = begin; row != end; ++row) write_row(connection, *row);
  transaction.commit();
}

}  // namespace

void write_health(Connection& connection, const std::vector<HealthRow>& rows) {
  const HealthRow* const end = rows.data() + rows.size();
  for (const HealthRow* begin = rows.data(); begin != end;) {
    const HealthRow* const next = std::find_if(
        begin, end, [&](const HealthRow& row) { return row.mirror_id != begin->mirror_id; });
    write_mirror(connection, begin, next);
    begin = next;
  }
}

void drop_health(Connection& connection, const std::vector<std::pair<MirrorId, Way>>& ways) {
  for (const auto& [id, way] : ways) {
    connection.run("DELETE FROM health WHERE mirror_id = $1 AND scheme = $2 AND family = $3",
                   Params().int2(id).text(scheme_of(way)).text(family_of(way)));
  }
}

std::map<std::pair<MirrorId, std::string>, std::vector<double>> recent_changes(
    Connection& connection) {
  const Result rows = connection.run(
      "SELECT mirror_id, what, ago FROM (SELECT mirror_id, what, "
      "greatest(extract(epoch FROM now() - at), 0)::float8 AS ago, "
      "row_number() OVER (PARTITION BY mirror_id, what ORDER BY at DESC) AS nth FROM event "
      "WHERE at > now() - interval '1 day' AND \"from\" IN ('up', 'down') AND \"to\" IN ('up', "
      "'down')) AS e WHERE nth <= 64 ORDER BY ago DESC");
  std::map<std::pair<MirrorId, std::string>, std::vector<double>> changes;
  for (int row = 0; row < rows.rows(); ++row)
    changes[{rows.int2(row, 0), std::string(rows.bytes(row, 1))}].push_back(rows.float8(row, 2));
  return changes;
}

std::int64_t forget_health(Connection& connection, MirrorId id) {
  Transaction transaction(connection);
  connection.run("SELECT FROM mirror WHERE id = $1 FOR NO KEY UPDATE", Params().int2(id));
  const std::int64_t known =
      connection
          .run(
              "UPDATE health SET state = 'unknown', since = now(), reason = '' "
              "WHERE mirror_id = $1 AND state <> 'unknown'",
              Params().int2(id))
          .affected();
  transaction.commit();
  return known;
}

std::int64_t prune_events(Connection& connection) {
  return connection.run("SELECT prune_events()").int8(0, 0);
}

std::int64_t mirrors_revision(Connection& connection) {
  return connection.run("SELECT rev FROM mirror_rev").int8(0, 0);
}

}  // namespace mirror::db
