#include "db/path_rules.h"

#include "db/merge/groups.h"
#include "db/merge/merge.h"

namespace mirror::db {
namespace {

void put_rule(Connection& connection, std::int32_t position, const char* kind,
              const MutableRule& rule) {
  connection.run(
      "INSERT INTO path_rule AS r (position, kind, glob, anchors, signatures, alternates_s) "
      "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (position) DO UPDATE SET kind = excluded.kind, "
      "glob = excluded.glob, anchors = excluded.anchors, signatures = excluded.signatures, "
      "alternates_s = excluded.alternates_s WHERE r IS DISTINCT FROM excluded",
      Params()
          .int4(position)
          .text(kind)
          .text(rule.folder)
          .text_array(rule.anchors)
          .text_array(rule.signatures)
          .float8(rule.alternates_s));
}

}  // namespace

PathRules load_path_rules(Connection& connection) {
  const Result rows = connection.run(
      "SELECT kind, glob, anchors, signatures, alternates_s FROM path_rule ORDER BY position", {},
      "load_path_rules");
  std::vector<std::string> immutable;
  std::vector<MutableRule> groups;
  for (int row = 0; row < rows.rows(); ++row) {
    const std::string glob(rows.bytes(row, 1));
    if (rows.bytes(row, 0) == "immutable")
      immutable.push_back(glob);
    else
      groups.push_back(
          {glob, rows.text_array(row, 2), rows.text_array(row, 3), rows.float8(row, 4)});
  }
  return PathRules(immutable, groups);
}

// What stays the same is not written, so that the audit trail tells what changed. As a merge of its
// own: which mirrors have a whole group changes with the rules.
bool store_path_rules(Connection& connection, const PathRules& rules) {
  if (load_path_rules(connection) == rules) return false;
  MergeTransaction merge(connection);
  if (load_path_rules(connection) == rules) return false;
  std::int32_t position = 0;
  for (const std::string& glob : rules.immutable_texts())
    put_rule(connection, ++position, "immutable", {glob, {}, {}});
  for (const MutableRule& rule : rules.groups()) put_rule(connection, ++position, "mutable", rule);
  connection.run("DELETE FROM path_rule WHERE position > $1", Params().int4(position));
  merge.rules_changed();
  merge.commit();
  return true;
}

std::vector<HeldGroup> list_groups(Connection& connection) {
  const Result rows =
      connection.run("SELECT folder, mirrors FROM mutable_group WHERE anchored ORDER BY folder");
  std::vector<HeldGroup> groups;
  for (int row = 0; row < rows.rows(); ++row)
    groups.push_back({std::string(rows.bytes(row, 0)), rows.int2_array(row, 1)});
  return groups;
}

}  // namespace mirror::db
