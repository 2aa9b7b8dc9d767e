// mb list: the mirrors in a table.
#include <fmt/core.h>

#include "core/place.h"
#include "db/files.h"
#include "db/mirror/health.h"
#include "tools/mb/catalog/catalog_choice.h"
#include "tools/mb/commands.h"
#include "tools/mb/mirrors/record.h"
#include "tools/mb/mirrors/traffic.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

struct Filters {
  std::string country, region;
  std::optional<AsNumber> asn;
  std::optional<std::string> traffic;  // where to ask
  bool all = false, disabled = false, health = false, json = false;
};

bool wanted(const Mirror& mirror, const Filters& filters) {
  if (filters.disabled ? mirror.enabled : !filters.all && !mirror.enabled) return false;
  if (!filters.country.empty() && mirror.country != CountryCode::parse(filters.country))
    return false;
  if (!filters.region.empty() && mirror.region != parse_region(filters.region)) return false;
  return !filters.asn || mirror.asn == *filters.asn;
}

void check(const Filters& filters) {
  if (!filters.country.empty() && !CountryCode::parse(filters.country)) {
    throw UsageError(
        fmt::format("--country '{}': expected a country code of two letters", filters.country));
  }
  if (!filters.region.empty() && !parse_region(filters.region)) {
    throw UsageError(
        fmt::format("--region '{}': expected one of AF AN AS EU NA OC SA", filters.region));
  }
}

std::string families(const Mirror& mirror) {
  return mirror.ipv4 && mirror.ipv6 ? "4 6" : mirror.ipv4 ? "4" : mirror.ipv6 ? "6" : "";
}

std::string schemes(const db::MirrorRecord& record) {
  std::string text;
  const auto add = [&](std::string_view name, const std::string& url) {
    if (!url.empty()) text += (text.empty() ? "" : " ") + std::string(name);
  };
  add("http", record.mirror.http_url);
  add("https", record.mirror.https_url);
  for (const db::Endpoint& endpoint : record.endpoints) add(endpoint.method, endpoint.url);
  add("ftp", record.ftp_url);
  return text;
}

double mbit_of(const Traffic& traffic, const Mirror& mirror) {
  const auto found = traffic.find(mirror.identifier);
  return found == traffic.end() ? 0 : found->second;
}

void say_traffic(const std::vector<db::MirrorRecord>& records, const Traffic& traffic) {
  Table table({{"MIRROR"},
               {"STATE", Align::left, true},
               {"MBIT/S", Align::right},
               {"AT MOST", Align::right}});
  for (const db::MirrorRecord& record : records) {
    const Mirror& mirror = record.mirror;
    table.add({mirror.identifier, state_text(mirror),
               fmt::format("{:.1f}", mbit_of(traffic, mirror)),
               mirror.max_mbit > 0 ? grouped(mirror.max_mbit) : "no limit"});
  }
  table.say();
}

void say_table(const std::vector<db::MirrorRecord>& records,
               const std::map<MirrorId, std::int64_t>& files) {
  Table table({{"MIRROR"},
               {"STATE", Align::left, true},
               {"WEIGHT", Align::right},
               {"CC"},
               {"REGION"},
               {"AS"},
               {"IP"},
               {"SPEAKS"},
               {"FILES", Align::right},
               {"LAST SCAN"}});
  for (const db::MirrorRecord& record : records) {
    const Mirror& mirror = record.mirror;
    const auto count = files.find(mirror.id);
    table.add({mirror.identifier, state_text(mirror), std::to_string(mirror.weight),
               std::string(mirror.country.text()), std::string(region_code(mirror.region)),
               as_text(mirror.asn), families(mirror), schemes(record),
               grouped(count == files.end() ? 0 : count->second),
               record.last_scan_s ? utc_minute(*record.last_scan_s) : "never"});
  }
  table.say();
}

bool claims(const Mirror& mirror, Way way) {
  return !(way.https ? mirror.https_url : mirror.http_url).empty() &&
         (way.family == Family::ipv4 ? mirror.ipv4 : mirror.ipv6);
}

// "?" for what nobody has checked, "" for what the mirror does not have.
std::string way_state(const Mirror& mirror, const std::vector<db::WayHealth>& known, Way way) {
  if (!claims(mirror, way)) return "";
  for (const db::WayHealth& health : known) {
    if (health.way == way && health.state != "unknown") return health.state;
  }
  return "?";
}

std::string last_checked(const std::vector<db::WayHealth>& known) {
  std::int64_t last_s = 0;
  for (const db::WayHealth& health : known) last_s = std::max(last_s, health.checked_s.value_or(0));
  return last_s > 0 ? utc_minute(last_s) : "never";
}

std::string trouble(const Mirror& mirror) {
  const bool both = !mirror.standing_reason.empty() && !mirror.down_reason.empty();
  return mirror.standing_reason + (both ? "; " : "") + mirror.down_reason;
}

void say_health(const std::vector<db::MirrorRecord>& records,
                std::map<MirrorId, std::vector<db::WayHealth>> health) {
  Table table({{"MIRROR"},
               {"STATE", Align::left, true},
               {"STANDING", Align::left, true},
               {"HTTP/4", Align::left, true},
               {"HTTP/6", Align::left, true},
               {"HTTPS/4", Align::left, true},
               {"HTTPS/6", Align::left, true},
               {"CHECKED"},
               {"REASON"}});
  for (const db::MirrorRecord& record : records) {
    const Mirror& mirror = record.mirror;
    const std::vector<db::WayHealth>& known = health[mirror.id];
    std::vector<std::string> cells = {mirror.identifier, state_text(mirror),
                                      std::string(standing_name(mirror.standing))};
    for (const Way way : kWays) cells.push_back(way_state(mirror, known, way));
    cells.push_back(last_checked(known));
    cells.push_back(trouble(mirror));
    table.add(std::move(cells));
  }
  table.say();
}

int run(Context& context, const Filters& filters) {
  check(filters);
  db::Connection& connection = context.database();
  const std::vector<db::MirrorRecord> all = db::list_mirrors(connection);
  const auto files = db::file_counts(connection);
  std::vector<db::MirrorRecord> shown;
  for (const db::MirrorRecord& record : all) {
    if (wanted(record.mirror, filters)) shown.push_back(record);
  }
  Traffic traffic;
  if (filters.traffic) traffic = fetch_traffic(*filters.traffic, catalog_path(context));
  if (filters.json) {
    auto list = nlohmann::json::array();
    for (const db::MirrorRecord& record : shown) {
      list.push_back(to_json(record));
      const auto count = files.find(record.mirror.id);
      list.back()["files"] = count == files.end() ? 0 : count->second;
      if (filters.traffic) list.back()["mbit"] = mbit_of(traffic, record.mirror);
    }
    say_json(list);
    return kSuccess;
  }
  if (!shown.empty() && filters.health)
    say_health(shown, db::read_health(connection));
  else if (!shown.empty() && filters.traffic)
    say_traffic(shown, traffic);
  else if (!shown.empty())
    say_table(shown, files);
  Filters with_disabled = filters;
  with_disabled.all = true;
  const auto hidden =
      std::count_if(all.begin(), all.end(),
                    [&](const auto& r) { return wanted(r.mirror, with_disabled); }) -
      static_cast<std::ptrdiff_t>(shown.size());
  if (hidden > 0) {
    complain(fmt::format("{} disabled mirror{} not shown; -a shows them", hidden,
                         hidden == 1 ? "" : "s"));
  } else if (shown.empty()) {
    complain(all.empty() ? "no mirrors yet; `mb new` adds one" : "no mirror matches");
  }
  return kSuccess;
}

}  // namespace

Action setup_list(cli::Options& app, Context& context) {
  auto filters = std::make_shared<Filters>();
  app.add_flag("-a,--all", filters->all, "Disabled mirrors too");
  app.add_flag("--disabled", filters->disabled, "Disabled mirrors only");
  app.add_option("-c,--country", filters->country, "Mirrors in this country")->type_name("CC");
  app.add_option("-r,--region", filters->region, "Mirrors in this region")->type_name("REGION");
  app.add_option("--asn", filters->asn, "Mirrors in this AS")->type_name("NUMBER");
  app.add_flag("--health", filters->health, "Whether they answer, and may be believed");
  app.add_option("--traffic", filters->traffic,
                 "What redirects cause there, by httpd's status page at this URL")
      ->type_name("URL");
  app.add_flag("--json", filters->json, "As JSON, with all columns");
  return [&context, filters] { return run(context, *filters); };
}

}  // namespace mirror::mb
