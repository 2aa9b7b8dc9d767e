#include "db/mirror/stamps.h"

namespace mirror::db {
namespace {

std::vector<MirrorStamp> stamps_in(const Result& rows) {
  std::vector<MirrorStamp> stamps;
  for (int row = 0; row < rows.rows(); ++row) {
    stamps.push_back({rows.int2(row, 0), std::string(rows.bytes(row, 1)), rows.int8(row, 2),
                      rows.maybe_int8(row, 3), std::string(rows.bytes(row, 4))});
  }
  return stamps;
}

constexpr const char* kRead =
    "SELECT mirror_id, path, extract(epoch FROM asked)::bigint, extract(epoch FROM at)::bigint, "
    "fault FROM stamp";

}  // namespace

std::vector<MirrorStamp> read_stamps(Connection& connection) {
  return stamps_in(connection.run(kRead));
}

std::optional<MirrorStamp> find_stamp(Connection& connection, MirrorId id) {
  const std::vector<MirrorStamp> found =
      stamps_in(connection.run(std::string(kRead) + " WHERE mirror_id = $1", Params().int2(id)));
  return found.empty() ? std::nullopt : std::optional(found.front());
}

void write_stamps(Connection& connection, const std::vector<MirrorStamp>& stamps) {
  for (const MirrorStamp& stamp : stamps) {
    Params params;
    params.int2(stamp.mirror_id).text(stamp.path);
    stamp.at_s ? params.float8(static_cast<double>(*stamp.at_s)) : params.null();
    params.text(stamp.fault);
    connection.run(
        "INSERT INTO stamp (mirror_id, path, at, fault) SELECT id, $2, to_timestamp($3::float8), "
        "$4 FROM mirror WHERE id = $1 ON CONFLICT (mirror_id) DO UPDATE SET path = excluded.path, "
        "asked = now(), at = excluded.at, fault = excluded.fault",
        params);
  }
}

void forget_stamp(Connection& connection, MirrorId id) {
  connection.run("DELETE FROM stamp WHERE mirror_id = $1", Params().int2(id));
}

void note_source_stamp(Connection& connection, std::string_view path, std::int64_t at_s) {
  const Params params = Params().text(path).float8(static_cast<double>(at_s));
  connection.run(
      "DELETE FROM source_stamp WHERE path <> $1 OR at < now() - interval '400 days' AND at < "
      "to_timestamp($2)",
      params);
  connection.run(
      "INSERT INTO source_stamp (at, path) SELECT to_timestamp($2), $1 WHERE NOT EXISTS (SELECT "
      "FROM source_stamp WHERE at > to_timestamp($2) - interval '10 minutes') ON CONFLICT DO "
      "NOTHING",
      params);
}

}  // namespace mirror::db
