#include "dir_config.h"

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "catalog/directory.h"
#include "directives.h"
#include "pg/conninfo.h"

namespace mirror::httpd {
namespace {

Globals* current_globals =
    nullptr;  // in httpd's configuration pool; written only while no child exists

template <class T>
void view_list(std::span<const T>& view, const std::vector<T>* list) {
  if (list != nullptr) view = *list;
}

Stamp stamp_of(const StampSetting& stamp) {
  if (stamp.key == nullptr) return nullptr;
  return [stamp](std::int64_t now_s, std::string_view url_path) {
    return digest::stamp(stamp.form, stamp.key, now_s, url_path);
  };
}

DatabaseConfig read_conninfo(const std::string& conninfo) {
  try {
    return {conninfo, db::database_name(conninfo), 0};
  } catch (const std::invalid_argument& error) {
    throw BadValue(error.what());
  }
}

}  // namespace

DownPolicy DirConfig::down_policy() const {
  if (down) return down->policy;
  return database_tree() ? DownPolicy::unavailable : DownPolicy::serve;
}

std::optional<std::size_t> DirConfig::catalog_index() const {
  if (catalog) return catalog->index;
  if (database) return globals().databases[database->index].catalog;
  return std::nullopt;
}

Root DirConfig::root() const {
  if (database && database->root.kind != Root::Kind::none) return database->root;
  if (!database && catalog && catalog->root.kind != Root::Kind::none) return catalog->root;
  return engine ? engine->root : Root{};
}

Settings settings_of(const DirConfig& config) {
  Settings settings;
  settings.min_size_bytes = config.min_size_bytes.value_or(settings.min_size_bytes);
  settings.handle_head_locally = config.handle_head_locally.value_or(settings.handle_head_locally);
  settings.pass_query = config.pass_query.value_or(settings.pass_query);
  settings.last_resort = config.last_resort.value_or(settings.last_resort);
  settings.max_links = config.max_links.value_or(settings.max_links);
  settings.stamp = stamp_of(config.stamp.value_or(StampSetting()));
  settings.first_arrival = config.first_arrival.value_or(settings.first_arrival);
  settings.first_arrival.rest = config.first_arrival_rest.value_or(settings.first_arrival.rest);
  settings.rank.distance_scale_km =
      config.distance_scale_km.value_or(settings.rank.distance_scale_km);
  settings.rank.sticky_s = config.sticky_s.value_or(settings.rank.sticky_s);
  view_list(settings.excluded_mime_types, config.excluded_mime_types);
  view_list(settings.excluded_user_agents, config.excluded_user_agents);
  view_list(settings.excluded_paths, config.excluded_paths);
  view_list(settings.excluded_networks, config.excluded_networks);
  view_list(settings.fallbacks, config.fallbacks);
  RepresentationSettings& representations = settings.representations;
  const Publisher publisher = config.publisher.value_or(Publisher{});
  representations.publisher_name = publisher.name;
  representations.publisher_url = publisher.url;
  representations.torrent_form = config.torrent_form.value_or(representations.torrent_form);
  representations.magnets_in_metalinks =
      config.magnets_in_metalinks.value_or(representations.magnets_in_metalinks);
  representations.suppress_filenames =
      config.suppress_filenames.value_or(representations.suppress_filenames);
  representations.max_mirrors = config.max_mirrors.value_or(representations.max_mirrors);
  representations.repository_near =
      config.repository_near.value_or(representations.repository_near);
  representations.off = config.representations_off.value_or(representations.off);
  representations.style_sheet = config.style_sheet.value_or("");
  if (config.page_header.value_or(nullptr) != nullptr)
    representations.page_header = *config.page_header;
  if (config.page_footer.value_or(nullptr) != nullptr)
    representations.page_footer = *config.page_footer;
  view_list(representations.trackers, config.trackers);
  view_list(representations.dht_nodes, config.dht_nodes);
  return settings;
}

std::size_t Globals::add_database(const std::string& conninfo) {
  const auto known = std::find_if(databases.begin(), databases.end(),
                                  [&](const auto& other) { return other.conninfo == conninfo; });
  if (known != databases.end()) return known - databases.begin();
  if (databases.size() == kMaxDatabases)
    throw BadValue(fmt::format("there are more than {} different databases", kMaxDatabases));
  databases.push_back(read_conninfo(conninfo));
  databases.back().catalog = add_catalog(catalog::default_directory(databases.back().name));
  return databases.size() - 1;
}

std::size_t Globals::add_catalog(const std::string& directory) {
  const auto known = std::find_if(catalogs.begin(), catalogs.end(),
                                  [&](const auto& other) { return other.directory == directory; });
  if (known != catalogs.end()) return known - catalogs.begin();
  if (catalogs.size() == kMaxCatalogs)
    throw BadValue(fmt::format("there are more than {} different catalogs", kMaxCatalogs));
  catalogs.push_back({directory, std::nullopt, false});
  return catalogs.size() - 1;
}

void Globals::add_note(const std::string& about, const std::string& text) {
  const bool known = std::any_of(notes.begin(), notes.end(),
                                 [&](const auto& note) { return note.first == about; });
  if (!known) notes.emplace_back(about, text);
}

std::size_t Globals::add_explain_key(const std::string& file, const char* at) {
  const auto known = std::find_if(explain_keys.begin(), explain_keys.end(),
                                  [&](const ExplainKey& key) { return key.file == file; });
  if (known != explain_keys.end()) return known - explain_keys.begin();
  explain_keys.push_back({file, at, ""});
  return explain_keys.size() - 1;
}

Globals& globals() { return *current_globals; }

void reset_globals(apr_pool_t* pconf) { current_globals = pool_new<Globals>(pconf); }

void* create_dir_config(apr_pool_t* pool, char*) noexcept { return pool_new<DirConfig>(pool); }

void* merge_dir_config(apr_pool_t* pool, void* parent, void* own) noexcept {
  auto* merged = pool_new<DirConfig>(pool, *static_cast<const DirConfig*>(own));
  for (const Directive& directive : directives()) {
    if (directive.inherit != nullptr)
      directive.inherit(*merged, *static_cast<const DirConfig*>(parent), pool);
  }
  return merged;
}

}  // namespace mirror::httpd
