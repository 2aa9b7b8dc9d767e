// The rules that rank() and rank_first() share: how near a mirror is to a client, and what its
// chances are. For lib/rank only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "rank/rank.h"

namespace mirror {

// What the distance leaves of the weights in one tier. It counts against the tier's nearest
// candidate: who is as near keeps the whole weight, however far that is. By default distances do
// not matter.
class DistanceFall {
 public:
  DistanceFall() = default;
  // `nearest_km` is NaN where no distance in the tier is known.
  DistanceFall(double scale_km, double nearest_km);

  bool matters() const { return per_km_ > 0; }
  double nearest_km() const { return nearest_km_; }
  // By what a weight is divided, so many kilometres beyond the nearest: 1 or more, and it grows.
  double divisor(double beyond_km) const {
    constexpr double kMost = 1e9;  // finite, whatever the scale; no distance on earth comes near
    const double by_scale = std::min(beyond_km * per_km_, kMost);
    const double fall = 1 + by_scale * by_scale;
    return fall * fall;
  }

 private:
  double nearest_km_ = 0;
  double per_km_ = 0;
};

class RankRules {
 public:
  RankRules(const Client& client, const RankRequest& request, const RankSettings& settings);

  // As rank/may_serve.h has it, of this client.
  std::optional<RejectReason> unusable(const Mirror& mirror) const {
    return mirror::unusable(mirror, request_.https, client_.address.family, request_.with_stale);
  }
  std::optional<RejectReason> unwilling(const Mirror& mirror, const Nearness& near) const {
    return mirror::unwilling(mirror, near, client_.country);
  }
  bool is_oversized(const Mirror& mirror) const {
    return mirror::is_oversized(mirror, request_.size_bytes);
  }
  // Of the mirror at that position: of several places the nearest, where the client's country comes
  // before others.
  const RankRow& nearest_row(const MirrorTable& table, std::size_t position) const;
  // `row` is the mirror's nearest one.
  Nearness nearness(const Mirror& mirror, const RankRow& row) const;
  // Takes the own country to have no mirror: where it has, other-country means far. The distance
  // matters for near.as only.
  Tier tier(const RankRow& row, const Nearness& near, double distance_km) const;
  // Whether this mirror is one that the client's own country has.
  bool is_own_country(const RankRow& row, bool oversized) const {
    return client_.country.known() && row.country == client_.country && !oversized;
  }
  bool in_own_region(Region region) const {
    return client_.region != Region::unknown && region == client_.region;
  }
  bool speaks_family(bool ipv6) const { return client_.address.family == Family::ipv4 || ipv6; }

  // Kilometres to a mirror; NaN when one of the places is not known, and to who is_here().
  double distance_to(const RankRow& mirror) const;
  // Where only the client's region is known, everyone in it is as near as can be. Others are as far
  // as they are from its centre.
  bool is_here(Region region) const { return region_only_ && in_own_region(region); }
  static bool distance_counts(Tier tier) { return tier == Tier::country || tier == Tier::far; }
  DistanceFall fall(double nearest_km) const {
    return direction_ ? DistanceFall(settings_.distance_scale_km, nearest_km) : DistanceFall();
  }

  // Everyone of a lower class comes before everyone of a higher one.
  static std::uint8_t class_of(bool oversized, Tier tier, bool speaks_family) {
    return static_cast<std::uint8_t>(oversized << 4 | static_cast<int>(tier) << 1 | !speaks_family);
  }

  static Tier tier_of(std::uint8_t klass) { return static_cast<Tier>(klass >> 1 & 7); }

  // By class and time, in the prefix tier by the length of the prefix before the time. Times are
  // not negative, so their bits order as they do, and one number holds it all.
  static std::uint64_t order(std::uint8_t klass, int prefix_bits, double time);

  // A number inside (0, 1) from the client in its time slot and the mirror (RankRow::scatter).
  double uniform(std::uint64_t mirror_scatter) const {
    return (static_cast<double>(scattered(sticky_ ^ mirror_scatter) >> 12) + 0.5) * 0x1p-52;
  }
  // When a mirror with that number comes in, in a race that each mirror wins with a chance of
  // exactly weight over sum of weights.
  static double race_time(double uniform, double effective_weight);

  const std::optional<Direction>& direction() const { return direction_; }

 private:
  bool as_ends_before(const RankRow& row, double distance_km) const;

  const Client& client_;
  const RankRequest& request_;
  const RankSettings& settings_;
  const Address located_;
  std::optional<Direction> direction_;  // of the client
  bool region_only_ = false;            // direction_ is the region's
  std::uint64_t sticky_;
};

}  // namespace mirror
