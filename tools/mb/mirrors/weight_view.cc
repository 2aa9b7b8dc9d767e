#include "tools/mb/mirrors/weight_view.h"

#include <fmt/core.h>

#include <algorithm>
#include <ctime>

#include "db/lookup.h"
#include "explain/client.h"
#include "explain/explanation.h"
#include "rank/rank.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

// Clients of one kind, as a client at the mirror's own place stands for them.
struct Audience {
  std::string who;          // "clients in JP"
  std::string where;        // for JSON: country, as, elsewhere
  std::size_t mirrors = 0;  // of its tier that compete for them
  double share = 0;
};

std::vector<Candidate> all_for(const Client& client, const MirrorTable& mirrors) {
  std::vector<MirrorId> ids;
  for (const Mirror& mirror : mirrors.all()) ids.push_back(mirror.id);
  const RankRequest request{false, 0, static_cast<std::int64_t>(std::time(nullptr))};
  return rank(client, request, ids, mirrors, {}).accepted;
}

Audience measured(std::string who, std::string where, const Client& client, const Mirror& mirror,
                  const MirrorTable& mirrors) {
  Audience audience{std::move(who), std::move(where)};
  const std::vector<Candidate> ranked = all_for(client, mirrors);
  const std::vector<double> share = shares(ranked);
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    if (ranked[i].mirror->id != mirror.id || ranked[i].tier != ranked.front().tier) continue;
    audience.share = share[i];
    audience.mirrors = static_cast<std::size_t>(
        std::count_if(ranked.begin(), ranked.end(),
                      [&](const Candidate& c) { return c.tier == ranked[i].tier; }));
  }
  return audience;
}

std::vector<Audience> audiences_of(const Mirror& mirror, const MirrorTable& mirrors) {
  Client client;
  client.address.family = mirror.ipv4 ? Family::ipv4 : Family::ipv6;
  client.place = mirror.place;
  client.region = mirror.region;
  std::vector<Audience> audiences;
  if (mirror.country.known() && !mirror.country.everyone()) {
    client.country = mirror.country;
    audiences.push_back(measured(fmt::format("clients in {}", mirror.country.text()), "country",
                                 client, mirror, mirrors));
  }
  if (mirror.asn != 0) {
    client.asn = mirror.asn;
    audiences.push_back(
        measured("clients in " + as_text(mirror.asn), "as", client, mirror, mirrors));
  }
  client.asn = 0;
  client.country = {};
  audiences.push_back(measured("clients near it in no country that has mirrors", "elsewhere",
                               client, mirror, mirrors));
  return audiences;
}

std::string words(const Audience& audience) {
  if (audience.mirrors == 0) return "gets none of them first";
  if (audience.mirrors == 1) return "is alone there and keeps them all, whatever its weight";
  return fmt::format("is one of {} mirrors and gets {:.0f} % of them", audience.mirrors,
                     100 * audience.share);
}

// Where the weight moves nobody.
std::string help(const Mirror& mirror, const std::vector<Audience>& audiences) {
  const bool alone = std::any_of(audiences.begin(), audiences.end(),
                                 [](const Audience& a) { return a.mirrors == 1; });
  if (!alone) return "";
  if (mirror.max_mbit > 0)
    return fmt::format(
        "if that is too much: its max_mbit is {} Mbit/s; beyond that clients get the next mirror, "
        "so a smaller one helps (mb edit {} --max-mbit NUMBER)",
        mirror.max_mbit, mirror.identifier);
  return fmt::format(
      "if that is too much: mb edit {} --max-mbit NUMBER sends what is beyond so many Mbit/s to "
      "the next mirrors; --file-maxsize BYTES sends large files there; and another mirror near "
      "these clients, or one that names their country with --other-countries, shares them",
      mirror.identifier);
}

nlohmann::json to_json(const Mirror& mirror, const std::vector<Audience>& audiences,
                       const std::string& advice) {
  auto list = nlohmann::json::array();
  for (const Audience& audience : audiences)
    list.push_back({{"clients", audience.where},
                    {"mirrors", audience.mirrors},
                    {"share", audience.share},
                    {"alone", audience.mirrors == 1}});
  return {{"mirror", mirror.identifier},
          {"weight", mirror.weight},
          {"max_mbit", mirror.max_mbit},
          {"audiences", list},
          {"advice", advice.empty() ? nlohmann::json() : nlohmann::json(advice)}};
}

}  // namespace

int show_weight(Context& context, const std::string& identifier, bool json) {
  const MirrorId id = require_mirror(context, identifier).mirror.id;
  const auto mirrors = db::load_mirrors(context.database());
  const Mirror* const mirror = mirrors->find(id);
  if (mirror == nullptr) throw Failure(fmt::format("mirror '{}' cannot be read", identifier));
  const auto nobody = serves_nobody(*mirror);
  const std::vector<Audience> audiences =
      nobody ? std::vector<Audience>() : audiences_of(*mirror, *mirrors);
  const std::string advice = help(*mirror, audiences);
  if (json) {
    say_json(to_json(*mirror, audiences, advice));
    return kSuccess;
  }
  say(fmt::format("mirror '{}': weight {}", mirror->identifier, mirror->weight));
  if (nobody) say(fmt::format("  it serves nobody now: {}", reject_text(*nobody, mirror)));
  for (const Audience& audience : audiences)
    say(fmt::format("  {}: it {}", audience.who, words(audience)));
  if (!advice.empty()) say(advice);
  return kSuccess;
}

}  // namespace mirror::mb
