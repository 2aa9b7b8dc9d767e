// The rules for paths (core/path_rules.h) as the database holds them. Whoever scans the source
// copies them from mb.toml; scans and redirectors read them here. One thread, one Connection;
// functions throw Error.
#pragma once

#include <string>
#include <vector>

#include "core/mirror_set.h"
#include "core/path_rules.h"
#include "pg/connection.h"

namespace mirror::db {

PathRules load_path_rules(Connection&);
// Makes the database's rules these, in a merge of its own. Writes nothing, and wakes no redirector,
// when they are the same. Returns whether they were others.
bool store_path_rules(Connection&, const PathRules& rules);

// A folder of a mutable group, and the mirrors that have all of its members.
struct HeldGroup {
  std::string folder;
  std::vector<MirrorId> mirrors;
};
std::vector<HeldGroup> list_groups(Connection&);  // by folder

}  // namespace mirror::db
