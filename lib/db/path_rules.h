// The rules for paths (core/path_rules.h) as the database holds them. Whoever scans the source
// copies them from mb.toml; scans and redirectors read them here. One thread, one Connection;
// functions throw Error.
#pragma once

#include "core/path_rules.h"
#include "pg/connection.h"

namespace mirror::db {

PathRules load_path_rules(Connection&);
// Makes the database's rules these. Writes nothing, and wakes no redirector, when they are the
// same. Returns whether they were others.
bool store_path_rules(Connection&, const PathRules& rules);

}  // namespace mirror::db
