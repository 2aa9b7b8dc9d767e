#include "db/notices.h"

namespace mirror::db {
namespace {

constexpr const char* kLockNotAvailable = "55P03";

constexpr const char* kState =
    "SELECT last_event, (SELECT count(*)::integer FROM unnest(sent) AS at WHERE at > now() - "
    "interval '1 hour'), failures, greatest(0, extract(epoch FROM retry_at - now()))::bigint, "
    "error FROM notice WHERE target = $1 AND recipient = $2";

constexpr const char* kAbove =
    "SELECT id, extract(epoch FROM now() - at)::bigint, extract(epoch FROM at)::bigint, mirror_id, "
    "mirror, what, \"from\", \"to\", why FROM event WHERE id > $1 AND at > now() - interval '7 "
    "days' ORDER BY id LIMIT $2";

// Whether nobody is writing them.
bool lock_events(Connection& connection) {
  connection.run("SET LOCAL lock_timeout = '200ms'");
  try {
    connection.run("LOCK TABLE event IN SHARE MODE");
    return true;
  } catch (const Error& error) {
    if (error.sqlstate() != kLockNotAvailable) throw;
    return false;
  }
}

}  // namespace

NoticeState notice_state(Connection& connection, const std::string& target,
                         const std::string& recipient) {
  const Params params = Params().text(target).text(recipient);
  connection.run(
      "INSERT INTO notice (target, recipient, last_event) SELECT $1, $2, coalesce((SELECT max(id) "
      "FROM event), 0) ON CONFLICT DO NOTHING",
      params);
  const Result row = connection.run(kState, params);
  NoticeState state;
  if (row.empty()) return state;
  state.last_event = row.int8(0, 0);
  state.sent_last_hour = row.int4(0, 1);
  state.failures = row.int4(0, 2);
  state.wait_s = row.maybe_int8(0, 3).value_or(0);
  state.error = row.bytes(0, 4);
  return state;
}

std::optional<std::vector<NumberedEvent>> events_above(Connection& connection, std::int64_t id) {
  std::vector<NumberedEvent> events;
  if (connection.run("SELECT WHERE EXISTS (SELECT FROM event WHERE id > $1)", Params().int8(id))
          .empty())
    return events;
  Transaction transaction(connection);
  if (!lock_events(connection)) return std::nullopt;
  const Result rows = connection.run(kAbove, Params().int8(id).int4(kMostEvents));
  transaction.commit();
  for (int row = 0; row < rows.rows(); ++row) {
    NumberedEvent& one = events.emplace_back();
    one.id = rows.int8(row, 0);
    one.age_s = rows.int8(row, 1);
    one.event.at_s = rows.int8(row, 2);
    one.event.mirror_id = rows.int2(row, 3);
    std::string* const texts[] = {&one.event.mirror, &one.event.what, &one.event.from,
                                  &one.event.to, &one.event.why};
    for (int i = 0; i < 5; ++i) *texts[i] = rows.bytes(row, 4 + i);
  }
  return events;
}

void note_told(Connection& connection, const std::string& target, const std::string& recipient,
               std::int64_t last_event, bool sent) {
  connection.run(
      "UPDATE notice SET last_event = greatest(last_event, $3), failures = 0, retry_at = NULL, "
      "error = '', sent = ARRAY(SELECT at FROM unnest(sent) AS at WHERE at > now() - interval '1 "
      "hour') || CASE WHEN $4 THEN ARRAY[now()] ELSE '{}'::timestamptz[] END "
      "WHERE target = $1 AND recipient = $2",
      Params().text(target).text(recipient).int8(last_event).boolean(sent));
}

void note_failure(Connection& connection, const std::string& target, const std::string& recipient,
                  const std::string& error) {
  connection.run(
      "UPDATE notice SET failures = least(failures + 1, 1000), error = $3, retry_at = now() + "
      "least(60 * 2 ^ least(failures, 6), 3600) * interval '1 second' "
      "WHERE target = $1 AND recipient = $2",
      Params().text(target).text(recipient).text(error));
}

}  // namespace mirror::db
