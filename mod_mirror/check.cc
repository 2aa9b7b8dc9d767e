#include "check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace mirror::httpd {
namespace {

// A <Location> or <Directory> of ours.
struct Section {
  const char* prefix;
  bool has_prefix;  // no wildcard or regular expression
  const DirConfig* config;
};

std::vector<Section> sections_of(const apr_array_header_t* array) {
  std::vector<Section> sections;
  if (array == nullptr) return sections;
  for (int i = 0; i < array->nelts; ++i) {
    const auto* vector = reinterpret_cast<ap_conf_vector_t* const*>(array->elts)[i];
    const auto* core = static_cast<const core_dir_config*>(ap_get_core_module_config(vector));
    if (const DirConfig* config = dir_config(vector)) {
      sections.push_back(
          {core->d != nullptr ? core->d : "", core->r == nullptr && !core->d_is_fnmatch, config});
    }
  }
  return sections;
}

bool encloses(const Section& outer, const Section& inner) {
  std::string_view prefix = outer.prefix;
  const std::string_view path = inner.prefix;
  if (prefix.ends_with('/')) prefix.remove_suffix(1);
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

class Checker {
 public:
  explicit Checker(apr_pool_t* pool) : pool_(pool) {}

  // Checks each section merged with its parents. For a regular expression any section may be a
  // parent, so every one counts as a parent; other faults are found at the request.
  void check_all(const DirConfig* server, const std::vector<Section>& sections) {
    for (std::size_t i = 0; i < sections.size(); ++i) {
      const DirConfig* merged = server;
      for (std::size_t j = 0; j < i; ++j) {
        if (!sections[i].has_prefix ||
            (sections[j].has_prefix && encloses(sections[j], sections[i]))) {
          merged = merge(merged, sections[j].config);
        }
      }
      check(*merge(merged, sections[i].config));
    }
  }

  void check(const DirConfig& config) {
    if (!config.engine_on()) return;
    if (!config.has_source())
      fault(config.engine->at,
            "MirrorEngine On needs a MirrorDatabase in its section or around it");
    bind_catalog(config);
    if (config.database_tree() && !config.origin) {
      fault(config.tree->at,
            "MirrorTree database needs a MirrorOrigin, for requests that no mirror takes");
    }
    if (config.down_policy() == DownPolicy::fallback &&
        (config.fallbacks == nullptr || config.fallbacks->empty())) {
      fault(config.down->at, "MirrorDatabaseDown Fallback needs a MirrorFallback");
    }
  }

  std::vector<std::string> faults;

 private:
  const DirConfig* merge(const DirConfig* parent, const DirConfig* own) {
    if (parent == nullptr) return own;
    return static_cast<const DirConfig*>(
        merge_dir_config(pool_, const_cast<DirConfig*>(parent), const_cast<DirConfig*>(own)));
  }

  // A catalog is of one database, and kept true to it when any section names both.
  void bind_catalog(const DirConfig& config) {
    const auto index = config.catalog_index();
    if (!index) return;
    CatalogConfig& catalog = globals().catalogs.at(*index);
    catalog.used = true;
    if (!config.database) return;
    if (catalog.database && *catalog.database != config.database->index) {
      fault(config.engine->at,
            "a MirrorCatalog belongs to one database; give each database its own directory");
    }
    catalog.database = config.database->index;
  }

  void fault(const char* at, const char* what) {
    std::string line = fmt::format("{}: {}", at, what);
    if (std::find(faults.begin(), faults.end(), line) == faults.end())
      faults.push_back(std::move(line));
  }

  apr_pool_t* pool_;
};

// httpd merges shorter directories first, wherever they stand.
std::vector<Section> directories_of(const core_server_config* core) {
  auto sections = sections_of(core->sec_dir);
  std::stable_sort(sections.begin(), sections.end(), [](const Section& a, const Section& b) {
    return a.has_prefix != b.has_prefix ? a.has_prefix
                                        : std::strlen(a.prefix) < std::strlen(b.prefix);
  });
  return sections;
}

}  // namespace

std::vector<std::string> check_configuration(const server_rec* main_server) {
  apr_pool_t* pool = nullptr;
  apr_pool_create(&pool, main_server->process->pconf);
  const std::unique_ptr<apr_pool_t, void (*)(apr_pool_t*)> guard(pool, apr_pool_destroy);
  Checker checker(pool);
  for (const server_rec* server = main_server; server != nullptr; server = server->next) {
    const auto* core =
        static_cast<const core_server_config*>(ap_get_core_module_config(server->module_config));
    const DirConfig* defaults = dir_config(server->lookup_defaults);
    if (defaults != nullptr) checker.check(*defaults);
    checker.check_all(defaults, sections_of(core->sec_url));
    checker.check_all(defaults, directories_of(core));
  }
  return checker.faults;
}

}  // namespace mirror::httpd
