// mb db: the tables themselves.
#include <fmt/core.h>

#include <chrono>
#include <memory>

#include "db/schema.h"
#include "db/schema_faults.h"
#include "tools/mb/commands.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

int say_steps(const std::vector<std::string>& steps, const char* nothing) {
  for (const std::string& step : steps) say(step);
  if (steps.empty()) say(nothing);
  return kSuccess;
}

constexpr std::chrono::seconds kMigrationLockPatience{1};  // others wait behind it

int migrate(Context& context, bool dry_run) {
  if (dry_run) {
    const std::vector<std::string> pending =
        db::pending_migrations(context.database_of_any_schema());
    for (const std::string& step : pending) say("would apply migration " + step);
    if (pending.empty()) say("the tables are up to date");
    return kSuccess;
  }
  db::Connection connection = context.new_session(kMigrationLockPatience);
  bool nothing = true;
  db::migrate_schema(connection, {.done =
                                      [&](const std::string& line) {
                                        say(line);
                                        flush_output();
                                        nothing = false;
                                      },
                                  .waits =
                                      [](const std::string& reason) {
                                        complain("waiting, trying again every 2 s: " + reason);
                                      }});
  if (nothing) say("the tables are up to date");
  return kSuccess;
}

int version(Context& context) {
  const auto version = db::schema_version(context.database_of_any_schema());
  say(version
          ? fmt::format("schema {}; this program knows {}", *version, db::known_schema_version())
          : fmt::format("no schema; this program knows {}; `mb db init` creates it",
                        db::known_schema_version()));
  return version ? kSuccess : kFailure;
}

}  // namespace

Action setup_db_init(cli::Options&, Context& context) {
  return [&context] {
    return say_steps(db::init_schema(context.database_of_any_schema()), "the tables exist already");
  };
}

Action setup_db_migrate(cli::Options& app, Context& context) {
  auto dry_run = std::make_shared<bool>(false);
  app.add_flag("-n,--dry-run", *dry_run, "Say what it would do, and change nothing");
  return [&context, dry_run] { return migrate(context, *dry_run); };
}

Action setup_db_version(cli::Options&, Context& context) {
  return [&context] { return version(context); };
}

Action setup_db_check(cli::Options&, Context& context) {
  return [&context] {
    const std::vector<std::string> faults = db::schema_faults(context.database());
    say(fmt::format("the database answers and has schema {}", db::known_schema_version()));
    for (const std::string& fault : faults) complain(fault);
    return faults.empty() ? kSuccess : kFailure;
  };
}

}  // namespace mirror::mb
