#include "context.h"

#include <fmt/core.h>

#include "core/nearest.h"
#include "db/schema.h"
#include "db/session.h"
#include "tools/cli/naming_config.h"

namespace mirror::mb {
namespace {

constexpr std::chrono::seconds kLockPatience{20};

}  // namespace

const Instance& Context::instance() {
  if (!instance_) instance_ = load_instance(config_file, instance_name);
  return *instance_;
}

db::Connection Context::new_session(std::chrono::milliseconds lock_patience) {
  return cli::naming_config(instance(), [&] {
    return db::open_session(instance().database, db::tool_session("mb", lock_patience));
  });
}

db::Connection& Context::database_of_any_schema() {
  if (!connection_) connection_ = std::make_unique<db::Connection>(new_session(kLockPatience));
  return *connection_;
}

db::Connection& Context::database() {
  db::Connection& connection = database_of_any_schema();
  if (!schema_checked_) db::require_schema(connection);
  schema_checked_ = true;
  return connection;
}

const GeoDatabases& Context::geo() {
  try {
    if (!geo_) geo_ = std::make_unique<GeoDatabases>(instance().geo_databases);
  } catch (const ConfigError&) {
    throw;
  } catch (const std::runtime_error& error) {
    throw Failure(error.what());
  }
  return *geo_;
}

db::MirrorRecord require_mirror(Context& context, const std::string& identifier) {
  db::Connection& connection = context.database();
  if (auto record = db::find_mirror(connection, identifier)) return std::move(*record);
  std::vector<std::string> known;
  for (const db::MirrorRecord& record : db::list_mirrors(connection))
    known.push_back(record.mirror.identifier);
  const std::string suggestion = did_you_mean(identifier, known);
  throw Failure(fmt::format("there is no mirror '{}'{}", identifier,
                            suggestion.empty() ? "; `mb list -a` lists them all" : suggestion));
}

std::vector<db::MirrorRecord> require_mirrors(Context& context,
                                              const std::vector<std::string>& identifiers) {
  std::vector<db::MirrorRecord> records;
  for (const std::string& identifier : identifiers)
    records.push_back(require_mirror(context, identifier));
  return records;
}

}  // namespace mirror::mb
