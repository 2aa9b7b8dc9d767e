#include "db/pause.h"

namespace mirror::db {
namespace {

std::optional<Pause> pause_in(const Result& row) {
  if (row.empty()) return std::nullopt;
  return Pause{row.int8(0, 0), std::string(row.bytes(0, 1))};
}

}  // namespace

std::optional<Pause> load_pause(Connection& connection) {
  return pause_in(connection.run(
      "SELECT extract(epoch FROM since)::bigint, reason FROM pause LIMIT 1", {}, "load_pause"));
}

std::optional<Pause> begin_pause(Connection& connection, std::string_view reason) {
  Transaction transaction(connection);
  auto before =
      pause_in(connection.run("SELECT extract(epoch FROM since)::bigint, reason FROM pause FOR "
                              "UPDATE"));
  connection.run(
      "INSERT INTO pause (reason) VALUES ($1) ON CONFLICT (one_row) DO UPDATE SET reason = "
      "excluded.reason WHERE pause.reason <> excluded.reason",
      Params().text(reason));
  transaction.commit();
  return before;
}

std::optional<Pause> end_pause(Connection& connection) {
  return pause_in(
      connection.run("DELETE FROM pause RETURNING extract(epoch FROM since)::bigint, reason"));
}

}  // namespace mirror::db
