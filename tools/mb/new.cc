// mb new: adds a mirror and fills in what its host's addresses tell.
#include <fmt/core.h>

#include "commands.h"
#include "host_place.h"
#include "output.h"
#include "record.h"

namespace mirror::mb {
namespace {

struct NewMirror {
  explicit NewMirror(cli::Options& app) : columns(app) {}
  std::string identifier;
  ColumnOptions columns;
  bool no_geo = false;
};

// The host that clients will be sent to, else the one that is scanned.
std::string host_of(const ColumnOptions& columns) {
  return first_host({columns.value("https_url"), columns.value("http_url"),
                     columns.value("rsync_url"), columns.value("index_url"),
                     columns.value("ftp_scan_url"), columns.value("head_url"),
                     columns.value("ftp_url")});
}

// Appends what the GeoIP databases know and the administrator did not give.
void add_place(const ColumnOptions& given, const Client& found, std::vector<db::Change>& filled) {
  const auto fill = [&](const char* column, std::string value) {
    if (!value.empty() && !given.given(column)) filled.emplace_back(column, std::move(value));
  };
  const auto country = CountryCode::parse(given.value("country"));
  const bool agrees = !given.given("country") || (country && *country == found.country);
  fill("country", std::string(found.country.text()));
  if (agrees) fill("region", std::string(region_code(found.region)));
  // Coordinates in another country than the given one would be wrong, and both are needed.
  if (agrees && found.place && !given.given("latitude") && !given.given("longitude")) {
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

Filled look_up(Context& context, const ColumnOptions& given) {
  Filled filled;
  const std::string host = host_of(given);
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
    add_place(given, locate_all(context.geo(), resolved.addresses), filled.changes);
    if (filled.changes.empty())
      filled.trouble = fmt::format("the GeoIP databases know nothing more about {}", filled.source);
  }
  for (const auto& [column, family] :
       {std::pair("ipv4", Family::ipv4), std::pair("ipv6", Family::ipv6)}) {
    if (!given.given(column))
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

int run(Context& context, const NewMirror& wanted) {
  db::Connection& connection = context.database();
  Filled filled;
  if (!wanted.no_geo) filled = look_up(context, wanted.columns);
  std::vector<db::Change> changes = wanted.columns.changes();
  changes.insert(changes.end(), filled.changes.begin(), filled.changes.end());
  add_region(wanted.columns, changes);
  db::insert_mirror(connection, wanted.identifier, changes);
  const Mirror made = require_mirror(context, wanted.identifier).mirror;
  say(fmt::format("mirror '{}' added{}", made.identifier, made.enabled ? "" : ", disabled"));
  if (!filled.changes.empty())
    say(fmt::format("  from {}: {}", filled.source, listed(filled.changes)));
  if (!filled.trouble.empty()) complain(filled.trouble);
  complain_of_countries(wanted.columns);
  if (!keep_own_url_out(context, made)) return kFailure;
  if (!made.enabled) say(fmt::format("  next: mb scan --enable {}", made.identifier));
  return kSuccess;
}

}  // namespace

Action setup_new(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<NewMirror>(app);
  app.add_option("identifier", wanted->identifier, "Its name: letters, digits, dots, hyphens")
      ->required()
      ->type_name("IDENT");
  app.add_flag("--no-geo", wanted->no_geo, "Do not look up the host and its place");
  app.footer(
      "At least one of --http-url and --https-url is needed. If you do not give country, region, "
      "coordinates, AS or\n"
      "address families, mb looks them up by the host's addresses.");
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
