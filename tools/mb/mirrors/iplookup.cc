// mb iplookup and mb geo: where an address or a host is, by the GeoIP databases, and which mirrors
// come first there.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <ctime>

#include "db/lookup.h"
#include "explain/client.h"
#include "explain/explanation.h"
#include "rank/rank.h"
#include "tools/mb/commands.h"
#include "tools/mb/mirrors/host_place.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

struct Wanted {
  std::string host;
  int mirrors = 0;  // that a client there gets, to show
  bool json = false;
};

// Who would serve a client there a small file that every mirror has.
void show_mirrors(const Client& client, const MirrorTable& mirrors, const Wanted& wanted,
                  nlohmann::json& told) {
  std::vector<MirrorId> all;
  for (const Mirror& mirror : mirrors.all()) all.push_back(mirror.id);
  const RankRequest request{false, 0, static_cast<std::int64_t>(std::time(nullptr))};
  const std::vector<Candidate> ranked = rank(client, request, all, mirrors, {}).accepted;
  const std::vector<double> share = shares(ranked);
  told["mirrors"] = nlohmann::json::array();
  Table table({{"MIRROR"}, {"TIER"}, {"KM", Align::right}, {"SHARE", Align::right}}, "  ");
  const std::size_t shown = std::min(ranked.size(), static_cast<std::size_t>(wanted.mirrors));
  for (std::size_t i = 0; i < shown; ++i) {
    const Candidate& candidate = ranked[i];
    const bool is_known = !std::isnan(candidate.distance_km);
    const std::string km = is_known ? grouped(std::llround(candidate.distance_km)) : "";
    table.add({candidate.mirror->identifier, std::string(tier_name(candidate.tier)), km,
               fmt::format("{:.0f} %", 100 * share[i])});
    told["mirrors"].push_back(
        {{"mirror", candidate.mirror->identifier},
         {"tier", tier_name(candidate.tier)},
         {"distance_km", is_known ? nlohmann::json(candidate.distance_km) : nlohmann::json()},
         {"share", share[i]}});
  }
  if (wanted.json) return;
  if (ranked.empty()) say("  no mirror may serve a client there");
  table.say();
}

int run(Context& context, const Wanted& wanted) {
  const GeoDatabases& geo = context.geo();
  if (geo.empty()) throw Failure("no geo_databases in the configuration; see mb.toml(5)");
  const Resolved resolved = resolve(wanted.host);
  if (resolved.addresses.empty()) throw Failure(fmt::format("{}: {}", wanted.host, resolved.error));
  auto list = nlohmann::json::array();
  const auto mirrors = wanted.mirrors > 0 ? db::load_mirrors(context.database()) : nullptr;
  for (const Address& address : resolved.addresses) {
    const Client client = geo.locate(address);
    list.push_back(client_json(client));
    const std::string text = client_text(client);
    Table table(2);
    table.add({address.text(), text.empty() ? "unknown" : text});
    if (!wanted.json) table.say();
    if (mirrors) show_mirrors(client, *mirrors, wanted, list.back());
  }
  if (wanted.json) say_json(list);
  return kSuccess;
}

Action setup_for(cli::Options& app, Context& context, int mirrors) {
  auto wanted = std::make_shared<Wanted>();
  wanted->mirrors = mirrors;
  app.add_option("address", wanted->host, "An address or a host's name")
      ->required()
      ->type_name("ADDRESS");
  app.add_option("--mirrors", wanted->mirrors,
                 "Show so many of the mirrors that a client there gets, the first ones first")
      ->between(0, 32767)
      ->type_name("N");
  app.add_flag("--json", wanted->json, "As JSON");
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace

Action setup_iplookup(cli::Options& app, Context& context) { return setup_for(app, context, 0); }
Action setup_geo(cli::Options& app, Context& context) {
  constexpr int kMirrors = 5;
  return setup_for(app, context, kMirrors);
}

}  // namespace mirror::mb
