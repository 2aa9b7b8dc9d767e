// mb db password: gives a role its password.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>

#include "core/ascii.h"
#include "db/passwords.h"
#include "tools/mb/commands.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

// The first line of standard input.
std::string read_password() {
  if (::isatty(STDIN_FILENO) == 1)
    throw UsageError("db password: a terminal would show it: mb db password ROLE <FILE");
  std::string password;
  std::getline(std::cin, password);
  if (password.empty()) throw Failure("standard input has no password in its first line");
  if (std::any_of(password.begin(), password.end(), is_control))
    throw Failure("the password has a control character, as a file from Windows has");
  return password;
}

int set_password(Context& context, const std::string& role) {
  const std::string password = read_password();
  db::set_password(context.database_of_any_schema(), role, password);
  say(fmt::format("{} has a new password", role));
  return kSuccess;
}

}  // namespace

Action setup_db_password(cli::Options& app, Context& context) {
  auto role = std::make_shared<std::string>();
  app.add_option("role", *role, "The role; its password is the first line of standard input")
      ->required()
      ->type_name("ROLE");
  return [&context, role] { return set_password(context, *role); };
}

}  // namespace mirror::mb
