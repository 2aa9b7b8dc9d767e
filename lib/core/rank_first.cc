// The head of the ranking alone. Two passes: who may serve, and in which class; then the race, of the classes that can be among
// the first only, where a bound that needs no logarithm and no arc tells most mirrors that they come too late.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "core/rank_rules.h"

namespace mirror {
namespace {

constexpr double kEarthRadiusKm = 6371.0;
constexpr double kRoundingMargin = 1 - 1e-9;  // the bound must stay one whatever was rounded

class FirstRanker {
 public:
  FirstRanker(std::size_t how_many, const Client& client, const RankRequest& request, const MirrorTable& table,
              const RankSettings& settings)
      : how_many_(how_many),
        client_(client),
        table_(table),
        rules_(client, request, settings),
        fall_per_chord_(settings.distance_scale_km > 0 ? kEarthRadiusKm / settings.distance_scale_km : 0) {
    needed_flags_ = request.https ? RankRow::usable_https : RankRow::usable;
    if (client.address.family == Family::ipv4) needed_flags_ |= RankRow::ipv4;
  }

  // nullopt: some distances are unknown and take the tier's median, which only the whole ranking has.
  std::optional<std::vector<Candidate>> run(std::span<const MirrorId> mirrors_with_file) {
    entrants_.reserve(mirrors_with_file.size());
    for (const MirrorId id : mirrors_with_file) consider(id);
    if (own_country_serves_) demote_named();
    find_last_class();
    first_.reserve(how_many_ + 1);
    for (const Entrant& entrant : entrants_) {
      if (entrant.klass <= last_class_ && !race(entrant)) return std::nullopt;
    }
    return candidates();
  }

 private:
  struct Entrant {
    const RankRow* row;
    std::uint8_t klass;  // RankRules::class_of
  };
  struct Placed {
    std::uint64_t key;  // class and time
    double time;
    double effective_weight;
    double distance_km;
    Entrant entrant;
  };

  void consider(MirrorId id) {
    const RankRow* const known = table_.find_row(id);
    if (known == nullptr || (known->flags & needed_flags_) != needed_flags_) return;
    const RankRow& row = *known;
    const Mirror& mirror = table_.mirror_of(row);
    Nearness near;
    bool oversized = false;
    if (row.flags & RankRow::plain) {
      near.as = client_.asn != 0 && row.asn == client_.asn;
      near.country = client_.country.known() && (row.country == client_.country || row.country.everyone());
    } else {
      near = rules_.nearness(mirror);
      if (rules_.unwilling(mirror, near)) return;
      oversized = rules_.is_oversized(mirror);
    }
    own_country_serves_ |= near.country && row.country == client_.country && !oversized;
    const Tier tier = rules_.tier(mirror, near, near.as ? rules_.distance_to(row.direction) : 0);
    const std::uint8_t klass = RankRules::class_of(oversized, tier, rules_.speaks_family(row.flags & RankRow::ipv6));
    entrants_.push_back({&row, klass});
    ++in_class_[klass];
  }

  static Tier tier_of(std::uint8_t klass) { return static_cast<Tier>(klass >> 1 & 7); }

  void demote_named() {
    for (Entrant& entrant : entrants_) {
      if (tier_of(entrant.klass) != Tier::other_country) continue;
      --in_class_[entrant.klass];
      entrant.klass = RankRules::class_of(entrant.klass >> 4, Tier::far, !(entrant.klass & 1));
      ++in_class_[entrant.klass];
    }
  }

  void find_last_class() {
    std::size_t before = 0;
    for (last_class_ = 0; last_class_ + 1u < in_class_.size(); ++last_class_) {
      before += in_class_[last_class_];
      if (before >= how_many_) return;
    }
  }

  // False when the entrant's distance is needed and not known.
  bool race(const Entrant& entrant) {
    const RankRow& row = *entrant.row;
    const double uniform = rules_.uniform(row.scatter);
    const Tier tier = tier_of(entrant.klass);
    double weight = row.weight;
    if (tier == Tier::far && rules_.in_own_region(row.region)) weight *= 2;
    const bool by_distance = RankRules::distance_counts(tier) && rules_.direction();
    if (by_distance && std::isnan(row.direction.x)) return false;
    if (comes_too_late(entrant, uniform, weight, by_distance)) return true;

    const double distance_km = rules_.distance_to(row.direction);
    if (by_distance) weight *= rules_.distance_factor(distance_km);
    const double time = RankRules::race_time(uniform, weight);
    const std::uint64_t key = static_cast<std::uint64_t>(entrant.klass) << 59 | std::bit_cast<std::uint64_t>(time) >> 5;
    if (first_.size() == how_many_ && key >= first_.back().key) return true;
    const auto place = std::upper_bound(first_.begin(), first_.end(), key,
                                        [](std::uint64_t wanted, const Placed& placed) { return wanted < placed.key; });
    first_.insert(place, {key, time, weight, distance_km, entrant});
    if (first_.size() > how_many_) first_.pop_back();
    return true;
  }

  // Surely behind the last of how_many_: -ln(u) is at least 1 - u, and an arc at least as long as its chord.
  bool comes_too_late(const Entrant& entrant, double uniform, double weight, bool by_distance) const {
    if (first_.size() < how_many_) return false;
    const Placed& last = first_.back();
    if (entrant.klass != last.entrant.klass) return entrant.klass > last.entrant.klass;
    double fall = 1;
    if (by_distance) {
      const Direction &a = *rules_.direction(), &b = entrant.row->direction;
      const double dx = a.x - b.x, dy = a.y - b.y, dz = a.z - b.z;
      fall += fall_per_chord_ * std::sqrt(dx * dx + dy * dy + dz * dz);
    }
    return (1 - uniform) * kRoundingMargin * fall * fall > last.time * weight;
  }

  std::vector<Candidate> candidates() const {
    std::vector<Candidate> result;
    result.reserve(first_.size());
    for (const Placed& placed : first_) {
      const std::uint8_t klass = placed.entrant.klass;
      result.push_back({&table_.mirror_of(*placed.entrant.row), tier_of(klass), placed.distance_km, placed.effective_weight,
                        !(klass & 1), (klass & 16) != 0});
    }
    return result;
  }

  const std::size_t how_many_;
  const Client& client_;
  const MirrorTable& table_;
  const RankRules rules_;
  const double fall_per_chord_;  // chords on the unit sphere; RankRules::distance_factor's fall
  std::uint8_t needed_flags_ = 0;
  bool own_country_serves_ = false;
  std::vector<Entrant> entrants_;
  std::array<std::uint32_t, 32> in_class_{};
  std::uint8_t last_class_ = 0;
  std::vector<Placed> first_;  // in order
};

}  // namespace

std::vector<Candidate> rank_first(std::size_t how_many, const Client& client, const RankRequest& request,
                                  std::span<const MirrorId> mirrors_with_file, const MirrorTable& table,
                                  const RankSettings& settings) {
  if (how_many == 0) return {};
  if (auto first = FirstRanker(how_many, client, request, table, settings).run(mirrors_with_file)) return *std::move(first);
  std::vector<Candidate> accepted = rank(client, request, mirrors_with_file, table, settings).accepted;
  accepted.resize(std::min(accepted.size(), how_many));
  return accepted;
}

}  // namespace mirror
