#include "db/passwords.h"

namespace mirror::db {

void set_password(Connection& connection, const std::string& role, const std::string& password) {
  // ALTER ROLE takes no parameters, so the server quotes what it gets back.
  const Result statement =
      connection.run("SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)",
                     Params().text(role).text(connection.password_verifier(role, password)));
  connection.script(std::string(statement.bytes(0, 0)));
}

}  // namespace mirror::db
