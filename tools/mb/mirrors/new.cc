// mb new: adds a mirror and fills in what its host's addresses tell.
#include <fmt/core.h>

#include <algorithm>

#include "core/path.h"
#include "core/url.h"
#include "tools/mb/commands.h"
#include "tools/mb/mirrors/discovery.h"
#include "tools/mb/mirrors/host_place.h"
#include "tools/mb/mirrors/record.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

struct NewMirror {
  explicit NewMirror(cli::Options& app) : columns(app) {}
  std::string name_or_url;
  std::string name;  // where a URL was given; "": by its host
  ColumnOptions columns;
  DiscoveryOptions discovery;
  bool no_geo = false, no_discover = false, force = false, dry_run = false;

  bool by_url() const { return name_or_url.find("://") != std::string::npos; }
};

// "": there is none.
std::string value_in(const std::vector<db::Change>& changes, std::string_view column) {
  for (const auto& [name, value] : changes) {
    if (name == column) return value;
  }
  return "";
}

bool has(const std::vector<db::Change>& changes, std::string_view column) {
  return std::any_of(changes.begin(), changes.end(),
                     [&](const db::Change& change) { return change.first == column; });
}

// The host that clients will be sent to, else the one that is scanned.
std::string host_of(const std::vector<db::Change>& known) {
  std::vector<std::string> urls;
  for (const char* const column :
       {"https_url", "http_url", "rsync_url", "index_url", "ftp_scan_url", "head_url", "ftp_url"})
    urls.push_back(value_in(known, column));
  return first_host(urls);
}

// Appends what the GeoIP databases know and is not known yet.
void add_place(const std::vector<db::Change>& known, const Client& found,
               std::vector<db::Change>& filled) {
  const auto fill = [&](const char* column, std::string value) {
    if (!value.empty() && !has(known, column)) filled.emplace_back(column, std::move(value));
  };
  const auto country = CountryCode::parse(value_in(known, "country"));
  const bool agrees = !has(known, "country") || (country && *country == found.country);
  fill("country", std::string(found.country.text()));
  if (agrees) fill("region", std::string(region_code(found.region)));
  // Coordinates in another country than the given one would be wrong, and both are needed.
  if (agrees && found.place && !has(known, "latitude") && !has(known, "longitude")) {
    fill("latitude", fmt::format("{}", found.place->latitude));
    fill("longitude", fmt::format("{}", found.place->longitude));
  }
  if (found.asn != 0) fill("asn", std::to_string(found.asn));
}

struct Filled {
  std::vector<db::Change> changes;
  std::string source;   // the addresses
  std::string trouble;  // why something could not be looked up
};

Filled look_up(Context& context, const std::vector<db::Change>& known) {
  Filled filled;
  const std::string host = host_of(known);
  if (host.empty()) return filled;  // the insertion says that a URL is needed
  const Resolved resolved = resolve(host);
  if (resolved.addresses.empty()) {
    filled.trouble =
        fmt::format("the host {} cannot be resolved ({}), so its place is not known: see `mb edit`",
                    host, resolved.error);
    return filled;
  }
  for (const Address& address : resolved.addresses)
    filled.source += (filled.source.empty() ? "" : ", ") + address.text();
  if (context.geo().empty()) {
    filled.trouble =
        "no geo_databases in the configuration, so the mirror's place is not known: see mb.toml(5)";
  } else {
    add_place(known, locate_all(context.geo(), resolved.addresses), filled.changes);
    if (filled.changes.empty())
      filled.trouble = fmt::format("the GeoIP databases know nothing more about {}", filled.source);
  }
  for (const auto& [column, family] :
       {std::pair("ipv4", Family::ipv4), std::pair("ipv6", Family::ipv6)}) {
    if (!has(known, column))
      filled.changes.emplace_back(column,
                                  has_family(resolved.addresses, family) ? "true" : "false");
  }
  return filled;
}

std::string listed(const std::vector<db::Change>& changes) {
  std::string text;
  for (const auto& [column, value] : changes) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", column,
                        value == "true"    ? "yes"
                        : value == "false" ? "no"
                                           : value);
  }
  return text;
}

std::string url_of(const NewMirror& wanted) {
  std::string url = wanted.name_or_url;
  if (!url.ends_with('/')) url += '/';
  if (const UrlFault fault = check_url(url, UrlKind::web_base)) {
    throw UsageError(fmt::format("new: '{}' cannot be used as the URL that clients get: {}",
                                 printable(without_password(url)), fault.text()));
  }
  return url;
}

// Appends what the mirror at that URL offers and the administrator did not give.
void add_discovered(Context& context, const NewMirror& wanted, std::vector<db::Change>& known) {
  const std::string url = url_of(wanted);
  const char* const own = url.starts_with("https:") ? "https_url" : "http_url";
  Discovered found;
  if (wanted.no_discover)
    found.columns = {{own, url}};
  else
    found = discover_mirror(context, url, wanted.discovery);
  for (const std::string& line : found.lines) say("  " + line);
  if (!found.warning.empty()) complain(found.warning);
  if (!found.refusal.empty()) {
    if (!wanted.force) throw Failure(found.refusal + "; --force adds it all the same");
    complain(found.refusal);
    if (!has(found.columns, "http_url") && !has(found.columns, "https_url"))
      found.columns.emplace_back(own, url);
  }
  const std::vector<db::Change> given = known;
  for (db::Change& column : found.columns) {
    if (!has(given, column.first)) known.push_back(std::move(column));
  }
}

int tell_added(Context& context, const std::string& identifier, const ColumnOptions& given) {
  const Mirror made = require_mirror(context, identifier).mirror;
  complain_of_countries(given);
  if (!keep_own_url_out(context, made)) return kFailure;
  if (!made.enabled) say(fmt::format("  next: mb scan --enable {}", made.identifier));
  return kSuccess;
}

int run(Context& context, const NewMirror& wanted) {
  db::Connection& connection = context.database();
  const std::string identifier = !wanted.by_url()       ? wanted.name_or_url
                                 : !wanted.name.empty() ? wanted.name
                                                        : identifier_of_url(url_of(wanted));
  std::vector<db::Change> changes = wanted.columns.changes();
  if (wanted.by_url()) {
    if (db::find_mirror(connection, identifier))
      throw Failure(fmt::format("there is a mirror '{}' already: --name gives it another name",
                                printable(identifier)));
    add_discovered(context, wanted, changes);
  }
  Filled filled;
  if (!wanted.no_geo) filled = look_up(context, changes);
  changes.insert(changes.end(), filled.changes.begin(), filled.changes.end());
  add_region(changes);
  if (wanted.dry_run) {
    say(fmt::format("mirror '{}' would be added: {}", printable(identifier), listed(changes)));
  } else {
    db::insert_mirror(connection, identifier, changes);
    const Mirror made = require_mirror(context, identifier).mirror;
    say(fmt::format("mirror '{}' added{}", made.identifier, made.enabled ? "" : ", disabled"));
  }
  if (!filled.changes.empty())
    say(fmt::format("  from {}: {}", filled.source, listed(filled.changes)));
  if (!filled.trouble.empty()) complain(filled.trouble);
  return wanted.dry_run ? kSuccess : tell_added(context, identifier, wanted.columns);
}

void add_discovery_options(cli::Options& app, NewMirror& wanted) {
  app.add_option("--name", wanted.name, "With a URL: its name, instead of the URL's host")
      ->type_name("IDENT");
  app.add_flag("--no-discover", wanted.no_discover,
               "With a URL: do not look what the mirror offers");
  app.add_option("--rsync-host", wanted.discovery.rsync_host,
                 "With a URL: where its rsync server is, if not at the same host")
      ->type_name("HOST[:PORT]");
  app.add_option("--ftp-host", wanted.discovery.ftp_host, "The same of its FTP server")
      ->type_name("HOST[:PORT]");
  app.add_option("--within", wanted.discovery.within_s, "With a URL: seconds for all of it")
      ->between(1, 600)
      ->type_name("S");
  app.add_flag("--force", wanted.force, "Add it even if it does not answer or has another tree");
  app.add_flag("--dry-run", wanted.dry_run, "Show what would be added");
}

}  // namespace

Action setup_new(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<NewMirror>(app);
  app.add_option("identifier", wanted->name_or_url,
                 "Its name: letters, digits, dots, hyphens; or the http or https URL that clients "
                 "get, and mb finds out what it offers")
      ->required()
      ->type_name("IDENT|URL");
  app.add_flag("--no-geo", wanted->no_geo, "Do not look up the host and its place");
  add_discovery_options(app, *wanted);
  app.footer(
      "At least one of --http-url and --https-url is needed, or a URL in place of the name. If you "
      "do not give country, region, "
      "coordinates, AS or\n"
      "address families, mb looks them up by the host's addresses.");
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
