// What a libpq connection string says, without connecting. Pure but for libpq's own parser; usable from any thread.
#pragma once

#include <string>

namespace mirror::db {

// Service, host, port and database of a conninfo as text for logs: nothing of it is secret. Throws std::invalid_argument with libpq's
// words when the string cannot be read.
std::string database_name(const std::string& conninfo);

}  // namespace mirror::db
