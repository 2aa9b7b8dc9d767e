#include "directives.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "mirrorbrain.h"
#include "settings.h"
#include "values.h"

namespace mirror::httpd {
namespace {

using namespace settings;
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
