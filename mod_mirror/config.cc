#include "config.h"

#include <libpq-fe.h>

#include <algorithm>
#include <memory>

#include "directives.h"

namespace mirror::httpd {
namespace {

Globals* current_globals = nullptr;  // in httpd's configuration pool; written only while no child exists

template <class T>
void copy_list(std::vector<T>& to, const std::vector<T>* from) {
  if (from != nullptr) to = *from;
}

// Host, port and database of a conninfo, without the rest, of which some is secret.
std::string database_name(const PQconninfoOption* options) {
  std::string name;
  for (const PQconninfoOption* option = options; option->keyword != nullptr; ++option) {
    const std::string_view keyword = option->keyword;
    const bool shown = keyword == "service" || keyword == "host" || keyword == "hostaddr" || keyword == "port" || keyword == "dbname";
    if (!shown || option->val == nullptr) continue;
    name.append(name.empty() ? "" : " ").append(keyword).append("=").append(option->val);
  }
  return name.empty() ? "libpq's default database" : name;
}

DatabaseConfig read_conninfo(const std::string& conninfo) {
  char* message = nullptr;
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(PQconninfoParse(conninfo.c_str(), &message),
                                                                               PQconninfoFree);
  const std::unique_ptr<char, void (*)(void*)> said(message, PQfreemem);
  if (options == nullptr) {
    std::string reason = said != nullptr ? said.get() : "out of memory";
    reason.erase(reason.find_last_not_of('\n') + 1);
    throw BadValue(reason);
  }
  return {conninfo, database_name(options.get())};
}

}  // namespace

DownPolicy DirConfig::down_policy() const {
  if (down) return down->policy;
  return database_tree() ? DownPolicy::unavailable : DownPolicy::serve;
}

Root DirConfig::root() const {
  if (database && database->root.kind != Root::Kind::none) return database->root;
  return engine ? engine->root : Root{};
}

Settings settings_of(const DirConfig& config) {
  Settings settings;
  settings.min_size_bytes = config.min_size_bytes.value_or(settings.min_size_bytes);
  settings.handle_head_locally = config.handle_head_locally.value_or(settings.handle_head_locally);
  settings.pass_query = config.pass_query.value_or(settings.pass_query);
  settings.max_links = config.max_links.value_or(settings.max_links);
  settings.rank.distance_scale_km = config.distance_scale_km.value_or(settings.rank.distance_scale_km);
  settings.rank.sticky_s = config.sticky_s.value_or(settings.rank.sticky_s);
  copy_list(settings.excluded_mime_types, config.excluded_mime_types);
  copy_list(settings.excluded_user_agents, config.excluded_user_agents);
  copy_list(settings.excluded_paths, config.excluded_paths);
  copy_list(settings.excluded_networks, config.excluded_networks);
  copy_list(settings.fallbacks, config.fallbacks);
  return settings;
}

std::size_t Globals::add_database(const std::string& conninfo) {
  const auto known = std::find_if(databases.begin(), databases.end(), [&](const auto& other) { return other.conninfo == conninfo; });
  if (known != databases.end()) return known - databases.begin();
  if (databases.size() == kMaxDatabases) throw BadValue("there are more than 64 different databases");
  databases.push_back(read_conninfo(conninfo));
  return databases.size() - 1;
}

Globals& globals() { return *current_globals; }

void reset_globals(apr_pool_t* pconf) { current_globals = pool_new<Globals>(pconf); }

void* create_dir_config(apr_pool_t* pool, char*) noexcept { return pool_new<DirConfig>(pool); }

void* merge_dir_config(apr_pool_t* pool, void* parent, void* own) noexcept {
  auto* merged = pool_new<DirConfig>(pool, *static_cast<const DirConfig*>(own));
  for (const Directive& directive : directives()) {
    if (directive.inherit != nullptr) directive.inherit(*merged, *static_cast<const DirConfig*>(parent));
  }
  return merged;
}

}  // namespace mirror::httpd
