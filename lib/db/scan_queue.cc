#include "db/scan_queue.h"

#include <fmt/format.h>
#include <unistd.h>

#include "os/host_name.h"

namespace mirror::db {
namespace {

// Of mirror m. In each statement that uses them, $1 is the instance's interval in hours.
constexpr const char* kInterval =
    "make_interval(secs => 3600 * coalesce(nullif(m.scan_interval, '')::float8, $1))";
std::string is_hour(int parameter) {
  return fmt::format("is_scan_hour(coalesce(nullif(m.scan_hours, ''), ${}))", parameter);
}
// When the present hours for scans began; $2: the instance's hours.
constexpr const char* kHoursBegan =
    "(SELECT CASE WHEN h = '' THEN '-infinity' ELSE (day + from_midnight - CASE WHEN day + "
    "from_midnight > now() AT TIME ZONE 'UTC' THEN interval '1 day' ELSE interval '0' END) AT TIME "
    "ZONE 'UTC' END FROM (SELECT h, date_trunc('day', now() AT TIME ZONE 'UTC') AS day, "
    "make_interval(hours => coalesce(nullif(split_part(h, '-', 1), ''), '0')::integer) AS "
    "from_midnight FROM (SELECT coalesce(nullif(m.scan_hours, ''), $2) AS h) AS own) AS parts)";
// What nobody nearer took within half an hour is as near.
constexpr const char* kIsNear =
    "($2 <> '' AND (w.due <= now() - interval '30 minutes' OR $2 = CASE WHEN $2 IN ('AF', 'AN', "
    "'AS', 'EU', 'NA', 'OC', 'SA') THEN m.region ELSE m.country END))";
// Of one that has no row in the queue.
std::string first_due() {
  return fmt::format("greatest(now(), m.last_scan + {} * (0.9 + 0.2 * random()))", kInterval);
}

// Mirrors without a row: new ones are due now.
void add_missing(Connection& connection, const ScanRhythm& rhythm) {
  connection.run(
      fmt::format(
          "INSERT INTO scan_queue (mirror_id, due) SELECT m.id, {} FROM mirror m WHERE m.enabled "
          "AND NOT EXISTS (SELECT FROM scan_queue q WHERE q.mirror_id = m.id AND q.subtree = '') "
          "ON CONFLICT DO NOTHING",
          first_due()),
      Params().float8(rhythm.interval_hours));
}

}  // namespace

std::optional<ScanJob> take_scan_job(Connection& connection, const ScanRhythm& rhythm,
                                     std::string_view near) {
  add_missing(connection, rhythm);
  const Result row = connection.run(
      fmt::format(
          "UPDATE scan_queue q SET taken_until = now() + interval '2 minutes' * 2 ^ "
          "least(attempts, "
          "9), attempts = attempts + 1 FROM (SELECT w.mirror_id, w.subtree, m.identifier FROM "
          "scan_queue w JOIN mirror m ON m.id = w.mirror_id CROSS JOIN source WHERE m.enabled AND "
          "(w.due <= now() OR w.due > now() + 2.2 * {}) AND (w.taken_until IS NULL OR "
          "w.taken_until <= now()) AND {} AND ($2 = '' OR w.subtree <> '' OR {}) AND NOT EXISTS "
          "(SELECT FROM scan_lock l WHERE l.mirror_id = m.id AND {}) ORDER BY w.subtree = '', {} "
          "DESC, source.rev > w.known_rev DESC, w.due FOR UPDATE OF w SKIP LOCKED LIMIT 1) taken "
          "WHERE q.mirror_id = taken.mirror_id AND q.subtree = taken.subtree RETURNING "
          "q.mirror_id, taken.identifier, q.subtree, q.asked::text",
          kInterval, is_hour(3), kIsNear, scan_lock_is_held(), kIsNear),
      Params().float8(rhythm.interval_hours).text(near).text(rhythm.hours));
  if (row.empty()) return std::nullopt;
  return ScanJob{row.int2(0, 0), std::string(row.bytes(0, 1)), std::string(row.bytes(0, 2)),
                 std::string(row.bytes(0, 3))};
}

void end_scan_job(Connection& connection, const ScanJob& job) {
  connection.run(
      "DELETE FROM scan_queue WHERE mirror_id = $1 AND subtree = $2 AND subtree <> '' AND asked <= "
      "$3::timestamptz",
      Params().int2(job.mirror_id).bytes(job.subtree).text(job.asked));
  connection.run(
      "UPDATE scan_queue SET taken_until = NULL, attempts = 0, due = CASE WHEN due > now() THEN "
      "due ELSE now() + "
      "interval '10 minutes' END WHERE mirror_id = $1 AND subtree = $2",
      Params().int2(job.mirror_id).bytes(job.subtree));
}

void put_back_scan_job(Connection& connection, const ScanJob& job, std::chrono::seconds due_in) {
  connection.run(
      "UPDATE scan_queue SET taken_until = NULL, attempts = greatest(attempts - 1, 0), due = now() "
      "+ make_interval(secs => $3) WHERE mirror_id = $1 AND subtree = $2",
      Params().int2(job.mirror_id).bytes(job.subtree).float8(static_cast<double>(due_in.count())));
}

void plan_next_scan(Connection& connection, MirrorId id, const ScanRhythm& rhythm,
                    const EndedScan& ended) {
  connection.run(
      fmt::format(
          "INSERT INTO scan_queue AS q (mirror_id, due, failures, failing_since, known_rev) SELECT "
          "m.id, now() + (0.9 + 0.2 * random()) * CASE WHEN n = 0 THEN period ELSE least(2 * "
          "period, interval '10 minutes' * 2 ^ least(n - 1, 20)) END, n, CASE WHEN n > 0 THEN "
          "coalesce(old.failing_since, now()) END, greatest(old.known_rev, $4) FROM mirror m LEFT "
          "JOIN scan_queue old ON old.mirror_id = m.id AND old.subtree = '', LATERAL (SELECT {} AS "
          "period, CASE WHEN $3 THEN coalesce(old.failures, 0) + 1 ELSE 0 END AS n) AS made WHERE "
          "m.id = $2 ON CONFLICT (mirror_id, subtree) DO UPDATE SET due = CASE WHEN q.due <= now() "
          "AND q.asked > (SELECT max(started) FROM scan WHERE mirror_id = $2 AND subtree = '') "
          "THEN q.due ELSE excluded.due END, taken_until = NULL, attempts = 0, failures = "
          "excluded.failures, failing_since = excluded.failing_since, known_rev = "
          "excluded.known_rev",
          kInterval),
      Params().float8(rhythm.interval_hours).int2(id).boolean(ended.failed).int8(ended.known_rev));
  if (ended.failed) return;
  connection.run(
      "DELETE FROM scan_queue WHERE mirror_id = $1 AND subtree <> '' AND asked < (SELECT "
      "max(started) FROM scan WHERE mirror_id = $1 AND subtree = '' AND outcome IN ('merged', "
      "'unchanged'))",
      Params().int2(id));
}

void ask_for_scan(Connection& connection, MirrorId id, std::string_view subtree) {
  connection.run(
      "INSERT INTO scan_queue (mirror_id, subtree) SELECT id, $2 FROM mirror WHERE id = $1 ON "
      "CONFLICT (mirror_id, subtree) DO UPDATE SET due = least(scan_queue.due, now()), asked = "
      "now()",
      Params().int2(id).bytes(subtree));
}

std::string disable_failing_mirror(Connection& connection, MirrorId id, int least_failures,
                                   double least_age_s) {
  const Result row =
      connection.run("SELECT disable_failing_mirror($1, $2, make_interval(secs => $3))",
                     Params().int2(id).int4(least_failures).float8(least_age_s));
  return std::string(row.bytes(0, 0));
}

std::vector<QueuedScan> list_scan_queue(Connection& connection, const ScanRhythm& rhythm) {
  const Result rows = connection.run(
      fmt::format(
          "WITH q AS (SELECT mirror_id, subtree, due, taken_until, attempts, failures FROM "
          "scan_queue UNION ALL SELECT m.id, '', {}, NULL, 0, 0 FROM mirror m WHERE NOT EXISTS "
          "(SELECT FROM scan_queue w WHERE w.mirror_id = m.id AND w.subtree = '')) "
          "SELECT m.identifier, q.subtree, extract(epoch FROM greatest(q.due, {}) - "
          "now())::bigint, "
          "NOT {}, q.failures, greatest(0, q.attempts - (l.host IS NOT NULL OR "
          "coalesce(q.taken_until > now(), false))::integer), l.host, "
          "l.process, l.program, extract(epoch FROM l.since)::bigint FROM q JOIN mirror m ON m.id "
          "= "
          "q.mirror_id LEFT JOIN scan_lock l ON l.mirror_id = m.id AND {} WHERE m.enabled ORDER BY "
          "q.due, m.identifier, q.subtree",
          first_due(), kHoursBegan, is_hour(2), scan_lock_is_held()),
      Params().float8(rhythm.interval_hours).text(rhythm.hours));
  std::vector<QueuedScan> queue;
  for (int row = 0; row < rows.rows(); ++row) {
    QueuedScan& scan = queue.emplace_back();
    scan.mirror = rows.bytes(row, 0);
    scan.subtree = rows.bytes(row, 1);
    scan.due_in_s = rows.int8(row, 2);
    scan.waits_for_hour = rows.boolean(row, 3);
    scan.failures = rows.int4(row, 4);
    scan.broken_off = rows.int4(row, 5);
    if (!rows.is_null(row, 6))
      scan.held = LockHolder{std::string(rows.bytes(row, 6)), rows.int4(row, 7),
                             std::string(rows.bytes(row, 8)), rows.int8(row, 9)};
  }
  return queue;
}

void note_scan_worker(Connection& connection, std::string_view near) {
  connection.run(
      "INSERT INTO scan_worker (host, process, near) VALUES ($1, $2, $3) ON CONFLICT (host, "
      "process) DO UPDATE SET near = excluded.near, seen = now()",
      Params().text(host_name("?")).int4(::getpid()).text(near));
  connection.run("DELETE FROM scan_worker WHERE seen < now() - interval '1 day'");
}

void forget_scan_worker(Connection& connection) {
  connection.run("DELETE FROM scan_worker WHERE host = $1 AND process = $2",
                 Params().text(host_name("?")).int4(::getpid()));
}

std::vector<ScanWorker> list_scan_workers(Connection& connection) {
  const Result rows = connection.run(
      "SELECT host, process, near, extract(epoch FROM now() - seen)::bigint FROM scan_worker "
      "WHERE seen > now() - interval '1 day' ORDER BY host, process");
  std::vector<ScanWorker> workers;
  for (int row = 0; row < rows.rows(); ++row)
    workers.push_back({std::string(rows.bytes(row, 0)), rows.int4(row, 1),
                       std::string(rows.bytes(row, 2)), rows.int8(row, 3)});
  return workers;
}

}  // namespace mirror::db
