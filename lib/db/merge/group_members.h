// Which files belong to a mutable group, as SQL: what groups.cc and anchor_versions.cc ask alike.
#pragma once

#include <string>

namespace mirror::db {

// Of `file f`.
#define IS_CURRENT "f.kind = 'f' AND NOT f.staged AND f.gone_at IS NULL"
// Of a file of a group, that no other group inside has it; the group's paths lie between `low` and
// `high` (FolderRange).
#define IN_NO_INNER_GROUP(low, high)                                             \
  "NOT EXISTS (SELECT FROM mutable_group n WHERE n.anchored AND n.folder > " low \
  " AND n.folder < " high                                                        \
  " AND substring(f.path FROM 1 FOR octet_length(n.folder) + 1) = n.folder || '/'::bytea)"

// A regular expression that fits nothing where there is none.
inline std::string or_nothing(const std::string& regex) { return regex.empty() ? "^$" : regex; }

}  // namespace mirror::db
