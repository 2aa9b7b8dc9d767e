// What a database's owner should put right about rights: who else could put something in the way of
// our programs. Sessions of ours look into our schema alone (db/session.h), so nothing breaks where
// another schema is open; whoever may create in ours has the rights of all who use it.
#pragma once

#include <string>
#include <vector>

#include "pg/connection.h"

namespace mirror::db {

// A sentence each, with the statement that mends it; empty where all is well. The schema must be
// there. Throws Error.
std::vector<std::string> schema_faults(Connection&);

}  // namespace mirror::db
