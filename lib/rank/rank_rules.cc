#include "rank/rank_rules.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <tuple>

namespace mirror {
namespace {

// The client in its current time slot.
std::uint64_t sticky_key(const Address& address, const RankRequest& request,
                         std::int64_t sticky_s) {
  const std::uint64_t who = client_number(address);
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

// On one scale for both families: the client may be in an IPv4 prefix and, as NAT64 writes its
// address, in an IPv6 one.
int comparable_bits(const Prefix& prefix) {
  return prefix.length + (prefix.address.family == Family::ipv4 ? 96 : 0);
}

}  // namespace

DistanceFall::DistanceFall(double scale_km, double nearest_km) : nearest_km_(nearest_km) {
  if (scale_km > 0 && nearest_km >= 0) per_km_ = 1 / (scale_km + nearest_km / 4);
}

RankRules::RankRules(const Client& client, const RankRequest& request, const RankSettings& settings)
    : client_(client),
      request_(request),
      settings_(settings),
      located_(client.address.located()),
      sticky_(sticky_key(located_, request, settings.sticky_s)) {
  direction_ =
      client.place ? mirror::direction(*client.place) : centroid_direction_of(client.country);
  if (direction_) return;
  direction_ = centroid_direction_of(client.region);
  region_only_ = direction_.has_value();
}

const RankRow& RankRules::nearest_row(const MirrorTable& table, std::size_t position) const {
  const RankRow* nearest = &table.rows()[position];
  const auto further = table.place_rows(position);
  const auto farness = [&](const RankRow& row) {
    const double chord =
        direction_ ? squared_chord(*direction_, row.direction) : 0;  // NaN: not known where
    return std::tuple(!(client_.country.known() && row.country == client_.country),
                      region_only_ && !in_own_region(row.region), std::isnan(chord),
                      std::isnan(chord) ? 0 : chord);
  };
  for (const RankRow& row : further) {
    if (farness(row) < farness(*nearest)) nearest = &row;
  }
  return *nearest;
}

Nearness RankRules::nearness(const Mirror& mirror, const RankRow& row) const {
  Nearness near;
  for (const Prefix& prefix : mirror.prefixes) {
    if (client_.overridden || !(prefix.contains(located_) || prefix.contains(client_.address)))
      continue;
    near.prefix = true;
    near.prefix_bits = std::max(near.prefix_bits, comparable_bits(prefix));
  }
  near.as =
      client_.asn != 0 && (mirror.asn == client_.asn || contains(mirror.served_as, client_.asn));
  if (client_.country.known()) {
    near.country = row.country == client_.country || mirror.country.everyone();
    near.named = contains(mirror.other_countries, client_.country);
  }
  near.region = in_own_region(row.region);
  return near;
}

// Some ASes span continents. In one country its centroid says nothing about how far, and a claimed
// AS (as=) is meant as it is. A region says even less.
bool RankRules::as_ends_before(const RankRow& row, double distance_km) const {
  if (!(distance_km > settings_.as_limit_km) || client_.overridden) return false;
  const bool placed = row.flags & RankRow::placed;
  const bool only_by_country = !client_.place || !placed;
  const bool only_by_region = region_only_ || !(placed || centroid_of(row.country));
  return !only_by_region && !(only_by_country && row.country == client_.country);
}

Tier RankRules::tier(const RankRow& row, const Nearness& near, double distance_km) const {
  if (near.prefix) return Tier::prefix;
  if (near.as && !as_ends_before(row, distance_km)) return Tier::as;
  if (near.country) return Tier::country;
  return near.named ? Tier::other_country : Tier::far;
}

double RankRules::distance_to(const RankRow& mirror) const {
  if (!direction_ || is_here(mirror.region)) return std::numeric_limits<double>::quiet_NaN();
  return distance_km(*direction_, mirror.direction);
}

std::uint64_t RankRules::order(std::uint8_t klass, int prefix_bits, double time) {
  const auto time_bits = std::bit_cast<std::uint64_t>(time);
  const std::uint64_t group = std::uint64_t{klass} << 59;
  if (tier_of(klass) != Tier::prefix) return group | time_bits >> 5;
  return group | static_cast<std::uint64_t>(128 - prefix_bits) << 51 | time_bits >> 13;
}

double RankRules::race_time(double uniform, double effective_weight) {
  return -std::log(uniform) / effective_weight;
}

}  // namespace mirror
