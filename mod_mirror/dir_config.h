// What the directives say: one DirConfig per section, merged by httpd for every request, and one
// Globals for the whole server. Everything here is made while the configuration is read, in the
// parent, and immutable afterwards: any thread may read it. A DirConfig is plain: lists are
// pointers to objects in the configuration's pool, so that a merge copies a few words. Unset is a
// value of its own (an empty optional, a null list), never the default's value; the defaults of
// what decisions need are those of mirror::Settings, the others stand below.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "answer/repositories.h"
#include "bounds.h"
#include "digest/stamp.h"
#include "httpd_api.h"

namespace mirror::httpd {

inline constexpr int kDefaultMaxConnections = 20;
inline constexpr std::int64_t kDefaultRepeatS = 60;
inline constexpr std::chrono::milliseconds kDefaultDatabaseTimeout{2000};

// Where a directive stands that may give the tree its root.
struct Root {
  enum class Kind { none, location, directory };
  Kind kind = Kind::none;   // none: server level, or a section that has no one prefix; the root is
                            // then the URL path's
  const char* prefix = "";  // of the URL path or of the file name
};

enum class Tree { local, database };
enum class DownPolicy { serve, fallback, unavailable };

// `at` is "FILE:LINE" of the directive, for complaints about how directives fit together.
struct EngineSetting {
  bool on = false;
  bool shadow = false;  // if on: it decides and logs, and httpd answers
  Root root;
  const char* at = "";
};
struct DatabaseSetting {
  std::size_t index = 0;  // in Globals::databases
  Root root;
};
struct CatalogSetting {
  std::optional<std::size_t> index;  // in Globals::catalogs; nullopt: Off
  Root root;
};
struct TreeSetting {
  Tree tree = Tree::local;
  const char* at = "";
};
struct DownSetting {
  DownPolicy policy = DownPolicy::serve;
  const char* at = "";
};

struct Publisher {
  const char* name = "";
  const char* url = "";
};

struct StampSetting {
  const char* key = nullptr;  // null: redirects have no stamp
  digest::StampForm form = digest::StampForm::md5;
};

struct RepositorySetting {
  std::vector<RepositoryRule>* rules = nullptr;  // a line each
  Root root;                                     // the section below which the lists are
};

struct ExplainSetting {
  bool on = false;
  std::size_t key = 0;  // in Globals::explain_keys, if on
};

struct DirConfig {
  std::optional<EngineSetting> engine;
  std::optional<DatabaseSetting> database;
  std::optional<CatalogSetting> catalog;
  std::optional<std::int64_t> catalog_max_age_s;
  std::optional<TreeSetting> tree;
  std::optional<DownSetting> down;
  std::optional<const char*> origin;  // ends in '/'
  std::optional<std::int64_t> min_size_bytes;
  std::optional<bool> handle_head_locally;
  std::optional<bool> pass_query;
  std::optional<LastResort> last_resort;
  std::optional<int> max_links;
  std::optional<StampSetting> stamp;
  std::optional<double> distance_scale_km;
  std::optional<std::int64_t> sticky_s;
  std::optional<FirstArrivalSettings> first_arrival;  // but its rest
  std::optional<FirstArrivalRest> first_arrival_rest;
  std::optional<std::int64_t> repeat_s;
  std::vector<Matcher>* excluded_mime_types = nullptr;
  std::vector<Matcher>* excluded_user_agents = nullptr;
  std::vector<Matcher>* excluded_paths = nullptr;
  std::vector<Prefix>* excluded_networks = nullptr;
  std::vector<Fallback>* fallbacks = nullptr;
  std::vector<Matcher>* excluded_urls = nullptr;  // MirrorBrain's masks: of decoded URL paths
  // Whether a list adds to the parent's, as MirrorBrain's do, instead of taking its place.
  bool joins_mime_types = false, joins_user_agents = false, joins_urls = false,
       joins_networks = false, joins_fallbacks = false;
  std::optional<Publisher> publisher;
  std::optional<TorrentForm> torrent_form;
  std::optional<bool> magnets_in_metalinks;
  std::optional<bool> suppress_filenames;
  std::optional<int> max_mirrors;
  std::vector<TrackerTier>* trackers = nullptr;  // a line each
  std::vector<DhtNode>* dht_nodes = nullptr;
  std::optional<RepresentationSet> representations_off;
  std::optional<const char*> style_sheet;               // "": the built-in style
  std::optional<const char*> page_header, page_footer;  // null: the built-in one
  std::optional<RepositorySetting> repositories;
  std::optional<int> repository_near;
  std::optional<ExplainSetting> explain;
  std::optional<bool> mirrorbrain;  // also its headers and variables

  bool engine_on() const { return engine && engine->on; }
  bool is_shadow() const { return engine_on() && engine->shadow; }
  bool database_tree() const { return tree && tree->tree == Tree::database; }
  DownPolicy down_policy() const;
  // In Globals::catalogs: what MirrorCatalog says, else the database's own. nullopt: lookups go to
  // the database.
  std::optional<std::size_t> catalog_index() const;
  bool has_source() const { return database || (catalog && catalog->index); }
  // The section whose prefix is cut from a URL path or file name: the database's own, else the
  // engine's.
  Root root() const;
};

// For decide(): the configured values over the defaults.
Settings settings_of(const DirConfig& config);

struct DatabaseConfig {
  std::string conninfo;
  std::string name;  // for messages: host, port and database, no password
  std::size_t catalog =
      0;  // in Globals::catalogs: where it is kept unless MirrorCatalog says otherwise
};

struct CatalogConfig {
  std::string directory;
  std::optional<std::size_t>
      database;       // that it is kept true to; nullopt: it is brought by `mb catalog import`
  bool used = false;  // by a section; check_configuration() finds out
};

// What a request must know to be explained.
struct ExplainKey {
  std::string file;
  std::string at;      // "FILE:LINE" of the first directive that names the file
  std::string secret;  // read or made in post_config
};

struct Globals {
  std::vector<DatabaseConfig> databases;
  std::vector<CatalogConfig> catalogs;
  std::vector<std::string> geo_files;
  std::vector<ExplainKey> explain_keys;
  std::vector<std::pair<std::string, std::string>> notes;  // for the log, each about one thing
  std::optional<int> max_connections;                      // per database and host
  std::optional<std::chrono::milliseconds> timeout;
  std::optional<std::int64_t> catalog_max_bytes;
  std::optional<bool> catalog_hashes;

  // The index of the database, a new one for a conninfo not seen before. Throws BadValue for what
  // libpq cannot read.
  // The place of one that is known, or is added. Throw BadValue for one too many.
  std::size_t add_database(const std::string& conninfo);
  std::size_t add_catalog(const std::string& directory);
  // Nothing happens if there is one about this already.
  void add_note(const std::string& about, const std::string& text);
  // The place of the file's key.
  std::size_t add_explain_key(const std::string& file, const char* at);
};

// The Globals of the configuration that is being read or in force; reset_globals starts anew, in
// httpd's configuration pool.
Globals& globals();
void reset_globals(apr_pool_t* pconf);

// For httpd's module record.
void* create_dir_config(apr_pool_t* pool, char* section) noexcept;
void* merge_dir_config(apr_pool_t* pool, void* parent, void* own) noexcept;

inline const DirConfig* dir_config(const ap_conf_vector_t* vector) {
  return static_cast<const DirConfig*>(ap_get_module_config(vector, &mirror_module));
}

}  // namespace mirror::httpd
