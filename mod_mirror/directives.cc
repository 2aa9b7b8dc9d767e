#include "directives.h"

#include <apr_fnmatch.h>
#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <vector>

#include "explain/wish.h"
#include "geo/geo.h"
#include "mirrorbrain.h"
#include "values.h"

namespace mirror::httpd {
namespace {

using namespace std::string_view_literals;

const char* place_of(const Line& line) {
  const ap_directive_t* directive = line.cmd->directive;
  return apr_psprintf(line.cmd->pool, "%s:%d", directive->filename, directive->line_num);
}

// The innermost section around a directive; nullptr at server level. What is decided at start-up
// (<IfModule> and the like) leaves no section behind.
const ap_directive_t* enclosing_section(const cmd_parms* cmd) {
  const ap_directive_t* parent = cmd->directive->parent;
  return parent == nullptr || strcasecmp(parent->directive, "<VirtualHost") == 0 ? nullptr : parent;
}

// nullopt for sections without exactly one prefix.
std::optional<Root> root_of_section(const Line& line, const ap_directive_t* section,
                                    const char* prefix) {
  const bool location = strcasecmp(section->directive, "<Location") == 0;
  if (!location && strcasecmp(section->directive, "<Directory") != 0) return std::nullopt;
  const bool is_regex = section->args[std::strspn(section->args, " \t")] == '~';
  if (prefix == nullptr || is_regex || apr_fnmatch_test(prefix) != 0) return std::nullopt;
  return Root{location ? Root::Kind::location : Root::Kind::directory,
              apr_pstrdup(line.cmd->pool, prefix)};
}

// nullopt where there is not exactly one prefix, for example in a <Files>.
std::optional<Root> root_of(const Line& line) {
  const ap_directive_t* section = enclosing_section(line.cmd);
  return section == nullptr ? Root{} : root_of_section(line, section, line.cmd->path);
}

// The same, with <Files> and <If> counted to the section around them.
std::optional<Root> root_around(const Line& line) {
  const ap_directive_t* section = enclosing_section(line.cmd);
  const auto is_condition = [](const char* name) {
    return strncasecmp(name, "<Files", 6) == 0 || strcasecmp(name, "<If") == 0;
  };
  if (section == nullptr || !is_condition(section->directive)) return root_of(line);
  while (section != nullptr && is_condition(section->directive)) section = section->parent;
  if (section == nullptr) return std::nullopt;
  const char* end = std::strrchr(section->args, '>');
  const char* args = end == nullptr
                         ? section->args
                         : apr_pstrmemdup(line.cmd->pool, section->args, end - section->args);
  return root_of_section(line, section, ap_getword_conf(line.cmd->pool, &args));
}

// One value, read by a function of its word.
template <auto Field, auto Parse>
void set(const Line& line, DirConfig& config) {
  config.*Field = Parse(line.words[0]);
}

template <auto Field>
void inherit(DirConfig& own, const DirConfig& parent, apr_pool_t*) {
  if (!(own.*Field)) own.*Field = parent.*Field;
}

// A list to which MirrorBrain's directives may have added.
template <auto Field, auto Joins>
void inherit_list(DirConfig& own, const DirConfig& parent, apr_pool_t* pool) {
  using List = std::remove_pointer_t<std::remove_reference_t<decltype(own.*Field)>>;
  if (own.*Field != nullptr && (!(own.*Joins) || parent.*Field == nullptr)) return;
  if (own.*Field == nullptr) {
    own.*Field = parent.*Field;
  } else {
    auto* both = pool_new<List>(pool, *(parent.*Field));
    both->insert(both->end(), (own.*Field)->begin(), (own.*Field)->end());
    own.*Field = both;
  }
  own.*Joins = parent.*Joins;
}

// Our own masks in a section take the place of all masks around it.
void inherit_masks(DirConfig& own, const DirConfig& parent, apr_pool_t* pool) {
  if (own.excluded_paths == nullptr || own.joins_urls)
    inherit_list<&DirConfig::excluded_urls, &DirConfig::joins_urls>(own, parent, pool);
  inherit<&DirConfig::excluded_paths>(own, parent, pool);
}

template <auto Field>
auto& list_of(const Line& line, DirConfig& config) {
  using List = std::remove_pointer_t<std::remove_reference_t<decltype(config.*Field)>>;
  if (config.*Field == nullptr) config.*Field = pool_new<List>(line.cmd->pool);
  return *(config.*Field);
}

bool is_none(const Line& line) {
  const auto none = [](const char* word) { return strcasecmp(word, "None") == 0; };
  if (std::none_of(line.words.begin(), line.words.end(), none)) return false;
  if (line.words.size() > 1) throw BadValue("None must stand alone");
  return true;
}

// A list that lines add to; `None` empties it, so that a section can have none although its parent
// has some.
template <auto Field, auto Parse>
void append(const Line& line, DirConfig& config) {
  auto& list = list_of<Field>(line, config);
  if (is_none(line)) return list.clear();
  for (const char* word : line.words) list.push_back(Parse(line.cmd->pool, word));
}

void set_engine(const Line& line, DirConfig& config) {
  const bool shadow = strcasecmp(line.words[0], "Shadow") == 0;
  config.engine = EngineSetting{shadow || parse_flag(line.words[0]), shadow,
                                root_around(line).value_or(Root{}), place_of(line)};
}

// Inside an enabled section the outermost one keeps the root: sections that only tune do not move
// it.
void inherit_engine(DirConfig& own, const DirConfig& parent, apr_pool_t*) {
  if (!own.engine) {
    own.engine = parent.engine;
  } else if (own.engine->on && parent.engine_on() && parent.engine->root.kind != Root::Kind::none) {
    own.engine->root = parent.engine->root;
  }
}

void set_database(const Line& line, DirConfig& config) {
  std::string conninfo;
  for (const char* word : line.words) conninfo.append(conninfo.empty() ? "" : " ").append(word);
  config.database =
      DatabaseSetting{globals().add_database(conninfo), root_of(line).value_or(Root{})};
}

void set_catalog(const Line& line, DirConfig& config) {
  CatalogSetting setting{std::nullopt, root_of(line).value_or(Root{})};
  if (strcasecmp(line.words[0], "Off") != 0) {
    const char* directory = ap_server_root_relative(line.cmd->pool, line.words[0]);
    if (directory == nullptr)
      throw BadValue(fmt::format("'{}' is not the name of a folder", line.words[0]));
    setting.index = globals().add_catalog(directory);
  }
  config.catalog = setting;
}

void set_catalog_max_size(const Line& line, DirConfig&) {
  constexpr std::int64_t kLeast = 1 << 20, kMost = std::int64_t{1} << 44;
  const std::int64_t bytes = parse_size(line.words[0]);
  if (bytes < kLeast || bytes > kMost) throw BadValue("takes 1M to 16384G");
  globals().catalog_max_bytes = bytes;
}

void set_catalog_hashes(const Line& line, DirConfig&) {
  globals().catalog_hashes = parse_flag(line.words[0]);
}

void set_tree(const Line& line, DirConfig& config) {
  const Tree tree =
      parse_one_of<Tree>(line.words[0], {{"local", Tree::local}, {"database", Tree::database}});
  const auto root = root_of(line);
  if (tree == Tree::database && root && root->kind == Root::Kind::directory) {
    throw BadValue("a tree without files on disk has no <Directory>: put it into a <Location>");
  }
  config.tree = TreeSetting{tree, place_of(line)};
}

void set_down(const Line& line, DirConfig& config) {
  const auto policy =
      parse_one_of<DownPolicy>(line.words[0], {{"Serve", DownPolicy::serve},
                                               {"Fallback", DownPolicy::fallback},
                                               {"Unavailable", DownPolicy::unavailable}});
  config.down = DownSetting{policy, place_of(line)};
}

void set_last_resort(const Line& line, DirConfig& config) {
  config.last_resort = parse_one_of<LastResort>(line.words[0], {{"Always", LastResort::always},
                                                                {"NoMirror", LastResort::no_mirror},
                                                                {"Off", LastResort::off}});
}

void set_origin(const Line& line, DirConfig& config) {
  config.origin = pool_string(line.cmd->pool, parse_base_url(line.words[0]));
}

void add_fallback(const Line& line, DirConfig& config) {
  auto& list = list_of<&DirConfig::fallbacks>(line, config);
  if (is_none(line)) return list.clear();
  if (line.words.size() != 3) throw BadValue("takes a region, a country and a URL, or None");
  list.push_back(parse_fallback(line.words[0], line.words[1], line.words[2]));
}

void set_stamp_key(const Line& line, DirConfig& config) {
  StampSetting stamp;
  if (!is_none(line)) {
    if (line.words.size() == 2) stamp.form = parse_stamp_form(line.words[1]);
    stamp.key = apr_pstrdup(line.cmd->pool, line.words[0]);
    digest::stamp(stamp.form, stamp.key, 0, "/");  // whether OpenSSL can is found out here
  }
  config.stamp = stamp;
}

void add_repository(const Line& line, DirConfig& config) {
  if (!config.repositories)
    config.repositories = {pool_new<std::vector<RepositoryRule>>(line.cmd->pool),
                           root_of(line).value()};
  if (is_none(line)) return config.repositories->rules->clear();
  config.repositories->rules->push_back(parse_repository(line.cmd->pool, line.words));
}

void set_publisher(const Line& line, DirConfig& config) {
  const bool has_url = line.words.size() == 2;
  if (has_url) parse_page_url(line.words[1]);  // for its complaint
  const auto keep = [&](const char* word) { return apr_pstrdup(line.cmd->pool, word); };
  config.publisher = is_none(line)
                         ? Publisher{}
                         : Publisher{keep(line.words[0]), has_url ? keep(line.words[1]) : ""};
}

void add_tracker_tier(const Line& line, DirConfig& config) {
  auto& tiers = list_of<&DirConfig::trackers>(line, config);
  if (is_none(line)) return tiers.clear();
  TrackerTier tier;
  for (const char* word : line.words) tier.push_back(parse_tracker(word));
  tiers.push_back(std::move(tier));
}

void add_dht_nodes(const Line& line, DirConfig& config) {
  auto& nodes = list_of<&DirConfig::dht_nodes>(line, config);
  if (is_none(line)) return nodes.clear();
  for (const char* word : line.words) nodes.push_back(parse_dht_node(word));
}

// Words are taken from left to right. A section whose first one takes away begins with all.
void set_representations(const Line& line, DirConfig& config) {
  auto& off = config.representations_off;
  for (const char* word : line.words) {
    const bool takes_away = *word == '-';
    if (!off) off = takes_away ? RepresentationSet() : RepresentationSet().set();
    const auto which = representation_by_name(word + takes_away);
    if (strcasecmp(word, "All") == 0) {
      off->reset();
    } else if (strcasecmp(word, "None") == 0) {
      off->set();
    } else if (which) {
      off->set(static_cast<std::size_t>(*which), takes_away);
    } else {
      throw BadValue(fmt::format("'{}' is not a representation, All or None", word));
    }
  }
}

void set_style_sheet(const Line& line, DirConfig& config) {
  config.style_sheet =
      is_none(line) ? "" : pool_string(line.cmd->pool, parse_reference(line.words[0]));
}

template <auto Field>
void set_page(const Line& line, DirConfig& config) {
  config.*Field = nullptr;
  if (is_none(line)) return;
  const char* file = ap_server_root_relative(line.cmd->pool, line.words[0]);
  if (file == nullptr) throw BadValue(fmt::format("'{}' is not a file name", line.words[0]));
  config.*Field = pool_string(line.cmd->pool, read_page(file));
}

void add_geo_database(const Line& line, DirConfig&) {
  const char* file = ap_server_root_relative(line.cmd->pool, line.words[0]);
  if (file == nullptr) throw BadValue(fmt::format("'{}' is not a file name", line.words[0]));
  GeoDatabases{{file}};  // an unreadable file is found out here, with the line
  auto& files = globals().geo_files;
  if (std::find(files.begin(), files.end(), file) == files.end()) files.emplace_back(file);
}

void set_max_connections(const Line& line, DirConfig&) {
  globals().max_connections = static_cast<int>(parse_integer(line.words[0], 1, kMaxConnections));
}

void set_timeout(const Line& line, DirConfig&) { globals().timeout = parse_timeout(line.words[0]); }

void set_first_arrival(const Line& line, DirConfig& config) {
  FirstArrivalSettings settings;
  if (strcasecmp(line.words[0], "Off") == 0) {
    if (line.words.size() == 2) throw BadValue("Off takes no MIN_SIZE");
    settings.factor = 0;
  } else {
    settings.factor = parse_factor(line.words[0]);
  }
  if (line.words.size() == 2) settings.min_size_bytes = parse_size(line.words[1]);
  config.first_arrival = settings;
}

void set_first_arrival_rest(const Line& line, DirConfig& config) {
  config.first_arrival_rest = parse_one_of<FirstArrivalRest>(
      line.words[0], {{"Fallback", FirstArrivalRest::fallback},
                      {"Origin", FirstArrivalRest::origin},
                      {"Unavailable", FirstArrivalRest::unavailable}});
}

void set_explain(const Line& line, DirConfig& config) {
  config.explain = ExplainSetting{parse_flag(line.words[0]), 0};
  const bool names_file = line.words.size() == 2;
  if (!config.explain->on) {
    if (names_file) throw BadValue("Off takes no FILE");
    return;
  }
  const char* file = names_file ? ap_server_root_relative(line.cmd->pool, line.words[1])
                                : default_explain_key_file();
  if (file == nullptr) throw BadValue(fmt::format("'{}' is not a file name", line.words[1]));
  config.explain->key = globals().add_explain_key(file, place_of(line));
}

void set_compat(const Line& line, DirConfig& config) {
  config.mirrorbrain = parse_one_of<bool>(line.words[0], {{"mirrorbrain", true}, {"None", false}});
}

using D = DirConfig;
constexpr Scope kGlobal = Scope::global, kTree = Scope::tree, kSection = Scope::section;
constexpr int kWordLimit = 64;  // httpd's AP_MAX_ARGC: what stands behind is dropped silently
constexpr int kMany = kWordLimit - 1;

constexpr Directive kDirectives[] = {
    {"MirrorEngine", kSection, 1, 1,
     "On|Off|Shadow - whether requests are sent to mirrors; Shadow: this is only decided and "
     "logged "
     "(default Off)",
     set_engine, inherit_engine},
    {"MirrorDatabase", kTree, 1, kMany,
     "CONNINFO - the PostgreSQL database of the tree, as libpq takes it (no default)", set_database,
     inherit<&D::database>},
    {"MirrorDatabaseMaxConnections", kGlobal, 1, 1,
     "NUMBER - connections per database of all processes together (default 20)",
     set_max_connections, nullptr},
    {"MirrorDatabaseTimeout", kGlobal, 1, 1,
     "SECONDS - what a request waits for the database at most (default 2)", set_timeout, nullptr},
    {"MirrorDatabaseDown", kSection, 1, 1,
     "Serve|Fallback|Unavailable - the answer while the database is down (default Serve, with "
     "MirrorTree database Unavailable)",
     set_down, inherit<&D::down>},
    {"MirrorCatalog", kTree, 1, 1,
     "DIR|Off - where the local replica of the database is kept (default one for each database)",
     set_catalog, inherit<&D::catalog>},
    {"MirrorCatalogMaxSize", kGlobal, 1, 1,
     "BYTES - how large a catalog may become; K, M, G may follow (default 16G)",
     set_catalog_max_size, nullptr},
    {"MirrorCatalogHashes", kGlobal, 1, 1,
     "On|Off - keep all hashes in catalogs, so that representations need no database (default Off)",
     set_catalog_hashes, nullptr},
    {"MirrorCatalogMaxAge", kSection, 1, 1,
     "SECONDS - an older catalog redirects nobody; 0: whatever its age (default 0)",
     set<&D::catalog_max_age_s, parse_stickiness>, inherit<&D::catalog_max_age_s>},
    {"MirrorGeoDatabase", kGlobal, 1, 1,
     "FILE - a MaxMind DB of cities, countries or AS numbers; repeatable (no default)",
     add_geo_database, nullptr},
    {"MirrorTree", kTree, 1, 1,
     "local|database - where the files' existence and size come from (default local)", set_tree,
     inherit<&D::tree>},
    {"MirrorOrigin", kSection, 1, 1,
     "URL - where requests go that no mirror takes, with MirrorTree database (no default)",
     set_origin, inherit<&D::origin>},
    {"MirrorMinSize", kSection, 1, 1,
     "BYTES - smaller files are not redirected; K, M, G may follow (default 4096)",
     set<&D::min_size_bytes, parse_size>, inherit<&D::min_size_bytes>},
    {"MirrorExcludeMimeType", kSection, 1, kMany,
     "PATTERN... - types that are not redirected (default None)",
     append<&D::excluded_mime_types, parse_wildcard>,
     inherit_list<&D::excluded_mime_types, &D::joins_mime_types>},
    {"MirrorExcludeUserAgent", kSection, 1, kMany,
     "PATTERN... - clients that are not redirected (default None)",
     append<&D::excluded_user_agents, parse_wildcard>,
     inherit_list<&D::excluded_user_agents, &D::joins_user_agents>},
    {"MirrorExcludeNetwork", kSection, 1, kMany,
     "CIDR... - clients that are not redirected (default None)",
     append<&D::excluded_networks, parse_network>,
     inherit_list<&D::excluded_networks, &D::joins_networks>},
    {"MirrorExcludeFileMask", kSection, 1, kMany,
     "REGEX... - paths that are not redirected (default None)",
     append<&D::excluded_paths, parse_regex>, inherit_masks},
    {"MirrorFallback", kSection, 1, 3,
     "REGION|- COUNTRY|- URL - a redirect target where no mirror has a file (default None)",
     add_fallback, inherit_list<&D::fallbacks, &D::joins_fallbacks>},
    {"MirrorHandleHeadLocally", kSection, 1, 1,
     "On|Off - answer HEAD requests without a redirect (default Off)",
     set<&D::handle_head_locally, parse_flag>, inherit<&D::handle_head_locally>},
    {"MirrorPassQuery", kSection, 1, 1,
     "On|Off - append the query string to the mirror's URL (default Off)",
     set<&D::pass_query, parse_flag>, inherit<&D::pass_query>},
    {"MirrorRedirectStampKey", kSection, 1, 2,
     "KEY [md5|sha256] - redirects are stamped with it, for mirrors to check (default None)",
     set_stamp_key, inherit<&D::stamp>},
    {"MirrorMaxLinks", kSection, 1, 1,
     "NUMBER - Link headers that name further mirrors (default 5)",
     set<&D::max_links, parse_max_links>, inherit<&D::max_links>},
    {"MirrorListLimit", kSection, 1, 1,
     "NUMBER - mirrors in Metalinks, torrents and lists; 0: all (default 0)",
     set<&D::max_mirrors, parse_list_limit>, inherit<&D::max_mirrors>},
    {"MirrorLastResort", kSection, 1, 1,
     "Always|NoMirror|Off - when lists end with this server's own URL, the origin and fallbacks "
     "(default Always)",
     set_last_resort, inherit<&D::last_resort>},
    {"MirrorPublisher", kSection, 1, 2,
     "NAME [URL] - who publishes the files, for Metalinks and lists (default None)", set_publisher,
     inherit<&D::publisher>},
    {"MirrorTracker", kSection, 1, kMany,
     "URL... - a tier of trackers for torrents; repeatable (default None)", add_tracker_tier,
     inherit<&D::trackers>},
    {"MirrorDhtNode", kSection, 1, kMany,
     "HOST:PORT... - where torrent clients enter the DHT; repeatable (default None)", add_dht_nodes,
     inherit<&D::dht_nodes>},
    {"MirrorTorrentForm", kSection, 1, 1,
     "hybrid|v1 - torrents for v1 and v2 clients, or for v1 only (default hybrid)",
     set<&D::torrent_form, parse_torrent_form>, inherit<&D::torrent_form>},
    {"MirrorMetalinkMagnets", kSection, 1, 1, "On|Off - name the magnet in Metalinks (default Off)",
     set<&D::magnets_in_metalinks, parse_flag>, inherit<&D::magnets_in_metalinks>},
    {"MirrorHashesSuppressFilenames", kSection, 1, 1,
     "On|Off - .md5 and the like hold the digest only (default Off)",
     set<&D::suppress_filenames, parse_flag>, inherit<&D::suppress_filenames>},
    {"MirrorRepresentations", kSection, 1, kMany,
     "NAME|-NAME... - what may be had of a file besides its bytes (default All)",
     set_representations, inherit<&D::representations_off>},
    {"MirrorListStyleSheet", kSection, 1, 1,
     "URL - the style sheet of the page of mirrors (default None)", set_style_sheet,
     inherit<&D::style_sheet>},
    {"MirrorListHeader", kSection, 1, 1,
     "FILE - HTML that begins the page of mirrors (default None)", set_page<&D::page_header>,
     inherit<&D::page_header>},
    {"MirrorListFooter", kSection, 1, 1, "FILE - HTML that ends the page of mirrors (default None)",
     set_page<&D::page_footer>, inherit<&D::page_footer>},
    {"MirrorRepositoryList", kTree, 1, kMany,
     "DIRECTORY MARKER [NAME=REGEX...] - a directory of the tree whose mirrors may be asked for; "
     "repeatable (default None)",
     add_repository, inherit<&D::repositories>},
    {"MirrorRepositoryNear", kSection, 1, 1,
     "NUMBER - how many near mirrors are enough for a repository's list; 0: all are listed "
     "(default 0)",
     set<&D::repository_near, parse_list_limit>, inherit<&D::repository_near>},
    {"MirrorDistanceScale", kSection, 1, 1,
     "KM - how fast a mirror's weight falls with its distance beyond the nearest mirror's "
     "(default 200)",
     set<&D::distance_scale_km, parse_distance>, inherit<&D::distance_scale_km>},
    {"MirrorStickiness", kSection, 1, 1,
     "SECONDS - how long a client keeps its mirror; 0: for ever (default 3600)",
     set<&D::sticky_s, parse_stickiness>, inherit<&D::sticky_s>},
    {"MirrorRepeatWindow", kSection, 1, 1,
     "SECONDS - a client that asks for the same file again so soon gets the next mirror; 0: never "
     "(default 60)",
     set<&D::repeat_s, parse_repeat_window>, inherit<&D::repeat_s>},
    {"MirrorFirstArrivalFactor", kSection, 1, 2,
     "FACTOR|Off [MIN_SIZE] - while few mirrors have a new file of that size, only this factor "
     "times their part of all mirrors' weight is redirected (default 4 10M)",
     set_first_arrival, inherit<&D::first_arrival>},
    {"MirrorFirstArrivalRest", kSection, 1, 1,
     "Fallback|Origin|Unavailable - what the others get meanwhile (default Fallback)",
     set_first_arrival_rest, inherit<&D::first_arrival_rest>},
    {"MirrorExplain", kSection, 1, 2,
     "Off|On [FILE] - whether 'mb explain URL' on this machine is told what httpd would do, if it "
     "knows the key in FILE (default Off)",
     set_explain, inherit<&D::explain>},
    {"MirrorCompat", kSection, 1, 1,
     "mirrorbrain|None - the headers and variables of another redirector besides our own (default "
     "None)",
     set_compat, inherit<&D::mirrorbrain>},
};

void check_line(const Directive& directive, const Line& line) {
  const int count = static_cast<int>(line.words.size());
  if (count >= kWordLimit) throw BadValue("too many values on one line: repeat the directive");
  if (count < directive.min_words || count > directive.max_words)
    throw BadValue(fmt::format("takes {}", directive.help));
  if (std::any_of(line.words.begin(), line.words.end(),
                  [](const char* word) { return *word == '\0'; })) {
    throw BadValue("a value is empty");
  }
  if (ap_check_cmd_context(line.cmd, NOT_IN_LIMIT) != nullptr)
    throw BadValue("may not stand in a <Limit>: it would apply to all methods");
  if (directive.context == kTree && !root_of(line)) {
    throw BadValue(
        "may stand at server level, in a <Location> or in a <Directory> without wildcards or "
        "regular expressions");
  }
  if (directive.context != kGlobal) return;
  if (ap_check_cmd_context(line.cmd, GLOBAL_ONLY) != nullptr)
    throw BadValue("may stand in the main server's configuration only");
}

// What httpd calls for each of our directives. Returns nullptr, or what is wrong.
const char* apply_directive(cmd_parms* cmd, void* config, int count, char* const words[]) noexcept {
  const auto& directive = *static_cast<const Directive*>(cmd->cmd->cmd_data);
  try {
    apply(directive, {cmd, {words, static_cast<std::size_t>(count)}},
          *static_cast<DirConfig*>(config));
    return nullptr;
  } catch (const std::exception& fault) {
    return apr_pstrcat(cmd->pool, directive.name, ": ", fault.what(), nullptr);
  } catch (...) {
    return "failed for an unknown reason";
  }
}

std::vector<command_rec> make_commands() {
  std::vector<command_rec> all;
  for (const Directive& directive : kDirectives) {
    const int where = directive.context == kGlobal ? RSRC_CONF : RSRC_CONF | ACCESS_CONF;
    all.push_back(AP_INIT_TAKE_ARGV(directive.name, apply_directive,
                                    const_cast<Directive*>(&directive), where, directive.help));
  }
  for (const Alias& alias : mirrorbrain_aliases()) {
    all.push_back(AP_INIT_TAKE_ARGV(alias.name, apply_alias, const_cast<Alias*>(&alias),
                                    RSRC_CONF | ACCESS_CONF, alias.help));
  }
  all.push_back({});
  return all;
}

}  // namespace

std::span<const Directive> directives() { return kDirectives; }

const Directive* directive_by_name(std::string_view name) {
  const auto found = std::find_if(std::begin(kDirectives), std::end(kDirectives),
                                  [&](const Directive& one) { return one.name == name; });
  return found == std::end(kDirectives) ? nullptr : found;
}

void apply(const Directive& directive, const Line& line, DirConfig& config) {
  check_line(directive, line);
  directive.apply(line, config);
}

const command_rec* commands() {
  static const std::vector<command_rec> all = make_commands();
  return all.data();
}

}  // namespace mirror::httpd
