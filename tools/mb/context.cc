#include "tools/mb/context.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "core/nearest.h"
#include "db/schema.h"
#include "db/session.h"
#include "tools/cli/naming_config.h"

namespace mirror::mb {
namespace {

constexpr std::chrono::seconds kLockPatience{20};
constexpr std::size_t kCandidatesShown = 10;

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::vector<std::string> all_names(db::Connection& connection) {
  std::vector<std::string> names;
  for (const db::MirrorRecord& record : db::list_mirrors(connection))
    names.push_back(record.mirror.identifier);
  return names;
}

[[noreturn]] void complain_of_many(const std::string& part, std::vector<std::string> names) {
  const std::size_t count = names.size();
  if (count > kCandidatesShown) {
    names.resize(kCandidatesShown);
    names.push_back("...");
  }
  throw Failure(fmt::format("'{}' may mean {} mirrors: {}", part, count, fmt::join(names, ", ")));
}

// The one that begins with it; if none does, the one that contains it; "" without one.
std::string meant_by(const std::string& part, const std::vector<std::string>& known) {
  std::vector<std::string> begin, contain;
  const std::string wanted = lower(part);
  if (wanted.empty()) return "";
  for (const std::string& name : known) {
    const std::size_t at = lower(name).find(wanted);
    if (at == 0) begin.push_back(name);
    if (at != std::string::npos) contain.push_back(name);
  }
  const std::vector<std::string>& meant = begin.empty() ? contain : begin;
  if (meant.size() > 1) complain_of_many(part, meant);
  return meant.empty() ? "" : meant.front();
}

bool takes_parts(Naming naming) {
  return naming == Naming::partial || (naming == Naming::to_change && ::isatty(STDIN_FILENO) == 1);
}

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

db::MirrorRecord require_mirror(Context& context, const std::string& name, Naming naming) {
  db::Connection& connection = context.database();
  if (auto record = db::find_mirror(connection, name)) return std::move(*record);
  const std::vector<std::string> known = all_names(connection);
  if (takes_parts(naming)) {
    if (auto record = db::find_mirror(connection, meant_by(name, known))) return std::move(*record);
  }
  const std::string suggestion = did_you_mean(name, known);
  throw Failure(fmt::format("there is no mirror '{}'{}", name,
                            suggestion.empty() ? "; `mb list -a` lists them all" : suggestion));
}

std::string whole_name(Context& context, const std::string& name) {
  db::Connection& connection = context.database();
  if (db::find_mirror(connection, name)) return name;
  const std::string meant = meant_by(name, all_names(connection));
  return meant.empty() ? name : meant;
}

std::vector<db::MirrorRecord> require_mirrors(Context& context,
                                              const std::vector<std::string>& names,
                                              Naming naming) {
  std::vector<db::MirrorRecord> records;
  for (const std::string& name : names) records.push_back(require_mirror(context, name, naming));
  return records;
}

}  // namespace mirror::mb
