// Rights that a database's owner should correct, because other roles could harm our programs. Our
// sessions use only our schema (db/session.h), so rights to create in another schema do no harm.
// But a role that may create in our schema can get the rights of every role that uses it.
#pragma once

#include <string>
#include <vector>

#include "pg/connection.h"

namespace mirror::db {

// A sentence for each fault, with the statement that corrects it. The schema must exist. Throws
// Error.
std::vector<std::string> schema_faults(Connection&);

}  // namespace mirror::db
