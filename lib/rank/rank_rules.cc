#include "rank/rank_rules.h"

#include <algorithm>
#include <cmath>

namespace mirror {
namespace {

// The client (its IPv4 address or IPv6 /64) in its current time slot. A NAT64 client is its IPv4
// address: all share one /64.
std::uint64_t sticky_key(const Address& address, const RankRequest& request,
                         std::int64_t sticky_s) {
  std::uint64_t who = static_cast<std::uint64_t>(address.family);
  for (int i = 0; i < (address.family == Family::ipv4 ? 4 : 8); ++i)
    who = scattered(who) ^ address.bytes[i];
  who = scattered(who);
  if (sticky_s <= 0) return who;
  const auto slot_s = static_cast<std::uint64_t>(sticky_s);
  const std::uint64_t jitter_s = who % slot_s;  // not all clients move at once
  return scattered(who ^
                   scattered((static_cast<std::uint64_t>(request.now_s) + jitter_s) / slot_s));
}

template <typename T>
bool contains(const std::vector<T>& values, const T& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

}  // namespace

RankRules::RankRules(const Client& client, const RankRequest& request, const RankSettings& settings)
    : client_(client),
      request_(request),
      settings_(settings),
      located_(client.address.located()),
      sticky_(sticky_key(located_, request, settings.sticky_s)) {
  direction_ =
      client.place ? mirror::direction(*client.place) : centroid_direction_of(client.country);
}

Nearness RankRules::nearness(const Mirror& mirror) const {
  Nearness near;
  near.prefix =
      !client_.overridden &&
      std::any_of(mirror.prefixes.begin(), mirror.prefixes.end(), [&](const Prefix& prefix) {
        return prefix.contains(located_) || prefix.contains(client_.address);
      });
  near.as =
      client_.asn != 0 && (mirror.asn == client_.asn || contains(mirror.served_as, client_.asn));
  if (client_.country.known()) {
    near.country = mirror.country == client_.country || mirror.country.everyone();
    near.named = contains(mirror.other_countries, client_.country);
  }
  near.region = in_own_region(mirror.region);
  return near;
}

// Some ASes span continents. In one country its centroid says nothing about how far, and a claimed
// AS (as=) is meant as it is.
bool RankRules::as_ends_before(const Mirror& mirror, double distance_km) const {
  const bool guessed = (!client_.place || !mirror.place) && mirror.country == client_.country;
  return distance_km > settings_.as_limit_km && !guessed && !client_.overridden;
}

Tier RankRules::tier(const Mirror& mirror, const Nearness& near, double distance_km) const {
  if (near.prefix) return Tier::prefix;
  if (near.as && !as_ends_before(mirror, distance_km)) return Tier::as;
  if (near.country) return Tier::country;
  return near.named ? Tier::other_country : Tier::far;
}

double RankRules::distance_to(const Direction& mirror) const {
  return direction_ ? distance_km(*direction_, mirror) : std::numeric_limits<double>::quiet_NaN();
}

double RankRules::distance_factor(double distance_km) const {
  if (std::isnan(distance_km) || !(settings_.distance_scale_km > 0)) return 1;
  const double fall = 1 + distance_km / settings_.distance_scale_km;
  return 1 / (fall * fall);
}

double RankRules::race_time(double uniform, double effective_weight) {
  return -std::log(uniform) / effective_weight;
}

}  // namespace mirror
