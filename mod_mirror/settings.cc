#include "settings.h"

#include <apr_fnmatch.h>
#include <strings.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <vector>

#include "explain/wish.h"
#include "geo/geo.h"

namespace mirror::httpd::settings {

using namespace std::string_view_literals;

namespace {

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

}  // namespace

std::optional<Root> root_of(const Line& line) {
  const ap_directive_t* section = enclosing_section(line.cmd);
  return section == nullptr ? Root{} : root_of_section(line, section, line.cmd->path);
}

namespace {

// As root_of, with <Files> and <If> counted to the section around them.
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

}  // namespace

// Our own masks in a section take the place of all masks around it.
void inherit_masks(DirConfig& own, const DirConfig& parent, apr_pool_t* pool) {
  if (own.excluded_paths == nullptr || own.joins_urls)
    inherit_list<&DirConfig::excluded_urls, &DirConfig::joins_urls>(own, parent, pool);
  inherit<&DirConfig::excluded_paths>(own, parent, pool);
}

bool is_none(const Line& line) {
  const auto none = [](const char* word) { return strcasecmp(word, "None") == 0; };
  if (std::none_of(line.words.begin(), line.words.end(), none)) return false;
  if (line.words.size() > 1) throw BadValue("None must stand alone");
  return true;
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

}  // namespace mirror::httpd::settings
