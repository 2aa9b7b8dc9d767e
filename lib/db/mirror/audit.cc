#include "db/mirror/audit.h"

#include <fmt/format.h>

#include "db/mirror/members.h"

namespace mirror::db {
namespace {

constexpr const char* kRead =
    "SELECT extract(epoch FROM at)::bigint, role, operator, program, address, mirror, setting, "
    "\"from\", \"to\" FROM audit WHERE at >= to_timestamp($3::double precision) "
    "AND ($1 = '' OR mirror = $1 OR mirror_id = (SELECT id FROM mirror WHERE identifier = $1)) "
    "AND ($2 = '' OR $2 IN (role, operator, split_part(operator, '@', 1))) ORDER BY id";

// The column of an endpoint's setting.
std::string column_of(std::string setting) {
  for (const MirrorMember& member : mirror_members()) {
    if (member.stored_in == StoredIn::endpoint && member.column.help != nullptr &&
        setting == fmt::format("endpoint {} {}", member.endpoint_method, member.endpoint_column))
      return member.column.name;
  }
  return setting;
}

}  // namespace

std::vector<AuditEntry> read_audit(Connection& connection, const AuditFilter& filter) {
  const Result rows = connection.run(
      kRead,
      Params().text(filter.mirror).text(filter.by).float8(static_cast<double>(filter.since_s)));
  std::vector<AuditEntry> entries;
  for (int row = 0; row < rows.rows(); ++row) {
    AuditEntry& entry = entries.emplace_back();
    entry.at_s = rows.int8(row, 0);
    int column = 0;
    for (std::string* const text :
         {&entry.role, &entry.operator_name, &entry.program, &entry.address, &entry.mirror,
          &entry.setting, &entry.from, &entry.to})
      *text = rows.bytes(row, ++column);
    entry.setting = column_of(std::move(entry.setting));
  }
  return entries;
}

}  // namespace mirror::db
