// The rules that rank() and rank_first() share: how near a mirror is to a client, and what its
// chances are. For lib/rank only.
#pragma once

#include <cstdint>
#include <optional>

#include "rank/rank.h"

namespace mirror {

class RankRules {
 public:
  RankRules(const Client& client, const RankRequest& request, const RankSettings& settings);

  // As rank/may_serve.h has it, of this client.
  std::optional<RejectReason> unusable(const Mirror& mirror) const {
    return mirror::unusable(mirror, request_.https, client_.address.family);
  }
  std::optional<RejectReason> unwilling(const Mirror& mirror, const Nearness& near) const {
    return mirror::unwilling(mirror, near, client_.country);
  }
  bool is_oversized(const Mirror& mirror) const {
    return mirror::is_oversized(mirror, request_.size_bytes);
  }
  Nearness nearness(const Mirror& mirror) const;
  // Takes the own country to have no mirror: where it has, other-country means far. The distance
  // matters for near.as only.
  Tier tier(const Mirror& mirror, const Nearness& near, double distance_km) const;
  // Whether this mirror is one that the client's own country has.
  bool is_own_country(const Mirror& mirror, bool oversized) const {
    return client_.country.known() && mirror.country == client_.country && !oversized;
  }
  bool in_own_region(Region region) const {
    return client_.region != Region::unknown && region == client_.region;
  }
  bool speaks_family(bool ipv6) const { return client_.address.family == Family::ipv4 || ipv6; }

  // Kilometres to a mirror; NaN when one of the places is not known.
  double distance_to(const Direction& mirror) const;
  // What the distance leaves of a weight, in the tiers where it counts: more than 0, at most 1.
  double distance_factor(double distance_km) const;
  static bool distance_counts(Tier tier) { return tier == Tier::country || tier == Tier::far; }

  // Everyone of a lower class comes before everyone of a higher one.
  static std::uint8_t class_of(bool oversized, Tier tier, bool speaks_family) {
    return static_cast<std::uint8_t>(oversized << 4 | static_cast<int>(tier) << 1 | !speaks_family);
  }

  // A number inside (0, 1) from the client in its time slot and the mirror (RankRow::scatter).
  double uniform(std::uint64_t mirror_scatter) const {
    return (static_cast<double>(scattered(sticky_ ^ mirror_scatter) >> 12) + 0.5) * 0x1p-52;
  }
  // When a mirror with that number comes in, in a race that each mirror wins with a chance of
  // exactly weight over sum of weights.
  static double race_time(double uniform, double effective_weight);

  const std::optional<Direction>& direction() const { return direction_; }

 private:
  bool as_ends_before(const Mirror& mirror, double distance_km) const;

  const Client& client_;
  const RankRequest& request_;
  const RankSettings& settings_;
  const Address located_;
  std::optional<Direction> direction_;  // of the client
  std::uint64_t sticky_;
};

}  // namespace mirror
