// Passwords of roles. The password itself never goes to the server, whose log may keep statements.
#pragma once

#include <string>

#include "pg/connection.h"

namespace mirror::db {

// Sends the SCRAM-SHA-256 verifier of RFC 5803, whatever password_encryption the server has.
// REQUIRES: no NUL in the password. Throws Error, also if there is no such role or this role may
// not do it.
void set_password(Connection&, const std::string& role, const std::string& password);

}  // namespace mirror::db
