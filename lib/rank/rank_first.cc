// The head of the ranking alone, in two steps. Who may be nearer than far is looked at one by one:
// the client's country, its AS, and mirrors with rules of their own, few of all. Everyone else is
// alike but for weight and place, and raced only where the near ones do not suffice; a bound that
// needs no logarithm and no arc tells most of them that they come too late. Distances count against
// the nearest, which is looked for first, by chords.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "rank/rank_rules.h"

namespace mirror {
namespace {

constexpr double kRoundingMargin = 1 - 1e-9;  // the bound must stay one whatever was rounded
constexpr std::size_t kMaxWords = 512;        // as many bits as ids
constexpr std::size_t kUsuallyNear = 32;
constexpr double kNobody = std::numeric_limits<double>::infinity();

// Of the weights in one tier.
struct Fall {
  DistanceFall by_distance;
  double nearest_chord_km = 0;
};

class FirstRanker {
 public:
  FirstRanker(std::size_t how_many, const Client& client, const RankRequest& request,
              const MirrorTable& table, const RankSettings& settings)
      : how_many_(how_many),
        client_(client),
        request_(request),
        table_(table),
        index_(table.index()),
        rules_(client, request, settings) {}

  // nullopt: only the whole ranking can tell. Some distances are unknown and take the tier's
  // median, or a mirror is named twice.
  std::optional<std::vector<Candidate>> run(const MirrorSet& mirrors_with_file) {
    if (index_.words() > kMaxWords || !gather(mirrors_with_file)) return std::nullopt;
    split();
    consider_near();
    count_far();
    find_last_class();
    if (!find_falls()) return std::nullopt;
    first_.reserve(how_many_ + 1);
    for (const Entrant& entrant : entrants_) {
      if (entrant.klass <= last_class_) race(entrant);
    }
    race_far(kFar, far_);
    race_far(kFarMute, far_mute_);
    return candidates();
  }

 private:
  struct Entrant {
    const RankRow* row;  // of its nearest place
    std::uint32_t position;
    std::uint8_t klass;            // RankRules::class_of
    std::uint8_t prefix_bits = 0;  // as Candidate has it
  };
  struct Placed {
    std::uint64_t key;  // class and time
    double time;
    double effective_weight;
    double distance_km;
    Entrant entrant;
  };
  using Bits = std::array<std::uint64_t, kMaxWords>;  // as many words as the index has

  // Of those who speak the client's family, and of those who do not.
  static constexpr std::uint8_t kFar = static_cast<int>(Tier::far) << 1, kFarMute = kFar | 1;

  // In the table, of one that the index has.
  std::size_t position_of(std::size_t id) const {
    return table_.known_position(static_cast<MirrorId>(id));
  }
  std::span<const std::uint64_t> used(const Bits& bits) const {
    return {bits.data(), index_.words()};
  }

  // Leaves in near_ who has the file. False when one is named twice.
  bool gather(const MirrorSet& mirrors_with_file) {
    const std::size_t words = std::min(index_.words(), mirrors_with_file.words());
    for (std::size_t i = 0; i < words; ++i) near_[i] = mirrors_with_file.word(i);
    std::fill(near_.begin() + words, near_.begin() + index_.words(), 0);
    for (const MirrorId id : mirrors_with_file.list()) {
      const auto slot = static_cast<std::uint16_t>(id);
      if (slot / 64u >= index_.words()) continue;
      const std::uint64_t bit = std::uint64_t{1} << slot % 64;
      if (near_[slot / 64] & bit) return false;
      near_[slot / 64] |= bit;
    }
    return true;
  }

  // Leaves in near_ who may be near, and in far_ and far_mute_ who is far.
  void split() {
    const MirrorBits& usable =
        index_.usable(request_.https, client_.address.family, request_.with_stale);
    const MirrorBits& near = index_.near(client_.country);
    for (std::size_t i = 0; i < index_.words(); ++i) {
      far_[i] = near_[i] & usable[i] & ~near[i];
      near_[i] &= usable[i] & near[i];
    }
    if (client_.asn != 0) {
      for (const MirrorId id : index_.in_as(client_.asn)) {
        const std::size_t word = static_cast<std::size_t>(id) / 64;
        const std::uint64_t bit = std::uint64_t{1} << id % 64;
        near_[word] |= far_[word] & bit;
        far_[word] &= ~bit;
      }
    }
    for (std::size_t i = 0; i < index_.words(); ++i) {
      far_mute_[i] = rules_.speaks_family(false) ? 0 : far_[i] & ~index_.ipv6()[i];
      far_[i] &= ~far_mute_[i];
    }
  }

  void consider_near() {
    entrants_.reserve(kUsuallyNear);
    for_each_bit(used(near_), [&](std::size_t id) { consider(position_of(id)); });
    if (own_country_serves_) demote_named();
    for (const Entrant& entrant : entrants_) ++in_class_[entrant.klass];
  }

  void consider(std::size_t position) {
    const Mirror& mirror = table_.all()[position];
    const RankRow* row = &table_.rows()[position];
    Nearness near;
    bool oversized = false;
    if (row->flags & RankRow::plain) {
      near.as = client_.asn != 0 && row->asn == client_.asn;
      near.country =
          client_.country.known() && (row->country == client_.country || row->country.everyone());
    } else {
      row = &rules_.nearest_row(table_, position);
      near = rules_.nearness(mirror, *row);
      if (rules_.unwilling(mirror, near)) return;
      oversized = rules_.is_oversized(mirror);
    }
    own_country_serves_ |= near.country && row->country == client_.country && !oversized;
    const Tier tier = rules_.tier(*row, near, near.as ? rules_.distance_to(*row) : 0);
    const std::uint8_t klass =
        RankRules::class_of(oversized, tier, rules_.speaks_family(row->flags & RankRow::ipv6));
    entrants_.push_back({row, static_cast<std::uint32_t>(position), klass,
                         static_cast<std::uint8_t>(near.prefix_bits)});
  }

  void demote_named() {
    for (Entrant& entrant : entrants_) {
      if (RankRules::tier_of(entrant.klass) != Tier::other_country) continue;
      entrant.klass = RankRules::class_of(entrant.klass >> 4, Tier::far, !(entrant.klass & 1));
    }
  }

  void count_far() {
    for (std::size_t i = 0; i < index_.words(); ++i) {
      in_class_[kFar] += static_cast<std::uint32_t>(std::popcount(far_[i]));
      in_class_[kFarMute] += static_cast<std::uint32_t>(std::popcount(far_mute_[i]));
    }
  }

  void find_last_class() {
    std::size_t before = 0;
    for (last_class_ = 0; last_class_ + 1u < in_class_.size(); ++last_class_) {
      before += in_class_[last_class_];
      if (before >= how_many_) return;
    }
  }

  static const RankRow& row_of(const Entrant& entrant) { return *entrant.row; }

  // What the distance does in the tiers that are raced. False when somebody's is not known there.
  bool find_falls() {
    if (!rules_.direction()) return true;
    for (const Entrant& entrant : entrants_) {
      const bool counts = RankRules::distance_counts(RankRules::tier_of(entrant.klass));
      if (counts && entrant.klass <= last_class_ && std::isnan(row_of(entrant).direction.x))
        return false;
    }
    country_fall_ = fall_from(nearest_entrant(Tier::country));
    if (last_class_ < kFar) return true;
    for (std::size_t i = 0; i < index_.words(); ++i) {
      if (((far_[i] | far_mute_[i]) & index_.nowhere()[i]) != 0) return false;
    }
    far_fall_ = fall_from(std::min(nearest_entrant(Tier::far), nearest_far()));
    return true;
  }

  Fall fall_from(double nearest_squared_chord) const {
    if (nearest_squared_chord == kNobody) return {};
    return {rules_.fall(distance_km(nearest_squared_chord)),
            kEarthRadiusKm * std::sqrt(nearest_squared_chord)};
  }

  // The squared chord to the nearest one; kNobody where there is none whose place is known.
  double nearest_entrant(Tier tier) const {
    double nearest = kNobody;
    for (const Entrant& entrant : entrants_) {
      if (RankRules::tier_of(entrant.klass) != tier) continue;
      const RankRow& row = row_of(entrant);
      if (rules_.is_here(row.region)) return 0;
      nearest = std::min(nearest, squared_chord(*rules_.direction(), row.direction));
    }
    return nearest;
  }

  double nearest_far() const {
    double nearest = kNobody;
    const Direction from = *rules_.direction();
    const bool own_region_is_here = rules_.is_here(client_.region);
    const MirrorBits& own_region = index_.in(client_.region);
    const RankRow* const rows = table_.rows().data();
    for (std::size_t i = 0; i < index_.words(); ++i) {
      const std::uint64_t all = far_[i] | far_mute_[i];
      if (own_region_is_here && (all & own_region[i]) != 0) return 0;
      for (std::uint64_t left = all; left != 0; left &= left - 1) {
        const std::size_t id = i * 64 + static_cast<std::size_t>(std::countr_zero(left));
        nearest = std::min(nearest, squared_chord(from, rows[position_of(id)].direction));
      }
    }
    return nearest;
  }

  const Fall& fall_of(Tier tier, Region region) const {
    if (rules_.is_here(region)) return kNoFall;
    return tier == Tier::far ? far_fall_ : tier == Tier::country ? country_fall_ : kNoFall;
  }

  void race(const Entrant& entrant) {
    const RankRow& row = row_of(entrant);
    const Tier tier = RankRules::tier_of(entrant.klass);
    const Fall& fall = fall_of(tier, row.region);
    const double factor = tier == Tier::far && rules_.in_own_region(row.region) ? 2 : 1;
    const double uniform = rules_.uniform(row.scatter), weight = row.weight * factor;
    const bool too_late = comes_too_late(row, uniform, weight, fall, latest(entrant.klass));
    if (!too_late) place(entrant, row, uniform, weight, fall);
  }

  void place(const Entrant& entrant, const RankRow& row, double uniform, double weight,
             const Fall& fall) {
    const double distance_km = rules_.distance_to(row);
    if (fall.by_distance.matters())
      weight /= fall.by_distance.divisor(distance_km - fall.by_distance.nearest_km());
    const double time = RankRules::race_time(uniform, weight);
    const std::uint64_t key = RankRules::order(entrant.klass, entrant.prefix_bits, time);
    if (first_.size() == how_many_ && key >= first_.back().key) return;
    const auto at = std::upper_bound(
        first_.begin(), first_.end(), key,
        [](std::uint64_t wanted, const Placed& placed) { return wanted < placed.key; });
    first_.insert(at, {key, time, weight, distance_km, entrant});
    if (first_.size() > how_many_) first_.pop_back();
  }

  void race_far(std::uint8_t klass, const Bits& racing) {
    if (klass > last_class_) return;
    const MirrorBits& own_region = index_.in(client_.region);
    // Those of the own region come first, since they are likely to win and leave the bound low.
    const bool has_region = client_.region != Region::unknown;
    Bits some;
    for (std::size_t i = 0; has_region && i < index_.words(); ++i)
      some[i] = racing[i] & own_region[i];
    if (has_region) race_alike(klass, some, 2, fall_of(Tier::far, client_.region));
    for (std::size_t i = 0; i < index_.words(); ++i)
      some[i] = has_region ? racing[i] & ~own_region[i] : racing[i];
    race_alike(klass, some, 1, far_fall_);
  }

  void race_alike(std::uint8_t klass, const Bits& racing, double factor, const Fall& fall) {
    const RankRow* const rows = table_.rows().data();
    double latest_time = latest(klass);
    for_each_bit(used(racing), [&](std::size_t id) {
      const std::size_t position = position_of(id);
      const RankRow& row = rows[position];
      const double uniform = rules_.uniform(row.scatter), weight = row.weight * factor;
      if (comes_too_late(row, uniform, weight, fall, latest_time)) return;
      place({&row, static_cast<std::uint32_t>(position), klass}, row, uniform, weight, fall);
      latest_time = latest(klass);
    });
  }

  // By when one of the class must come in to be among the first how_many_.
  double latest(std::uint8_t klass) const {
    constexpr double kAnyTime = std::numeric_limits<double>::infinity();
    if (first_.size() < how_many_ || RankRules::tier_of(klass) == Tier::prefix) return kAnyTime;
    const Placed& last = first_.back();
    return klass == last.entrant.klass ? last.time : klass < last.entrant.klass ? kAnyTime : 0;
  }

  // Surely: -ln(u) is at least 1 - u, and from the nearest on an arc grows at least as much as its
  // chord.
  bool comes_too_late(const RankRow& row, double uniform, double weight, const Fall& fall,
                      double latest_time) const {
    const double at_least = (1 - uniform) * kRoundingMargin, limit = latest_time * weight;
    if (at_least > limit || !fall.by_distance.matters()) return at_least > limit;
    const double chord_km =
        kEarthRadiusKm * std::sqrt(squared_chord(*rules_.direction(), row.direction));
    return at_least * fall.by_distance.divisor(chord_km - fall.nearest_chord_km) > limit;
  }

  std::vector<Candidate> candidates() const {
    std::vector<Candidate> result;
    result.reserve(first_.size());
    for (const Placed& placed : first_) {
      const std::uint8_t klass = placed.entrant.klass;
      result.push_back({&table_.all()[placed.entrant.position], RankRules::tier_of(klass),
                        placed.distance_km, placed.effective_weight, !(klass & 1),
                        (klass & 16) != 0, placed.entrant.prefix_bits, placed.entrant.row->country,
                        placed.entrant.row->region});
    }
    return result;
  }

  const std::size_t how_many_;
  const Client& client_;
  const RankRequest& request_;
  const MirrorTable& table_;
  const RankIndex& index_;
  const RankRules rules_;
  Fall country_fall_, far_fall_;
  static constexpr Fall kNoFall{};
  Bits near_, far_, far_mute_;
  bool own_country_serves_ = false;
  std::vector<Entrant> entrants_;
  std::array<std::uint32_t, 32> in_class_{};
  std::uint8_t last_class_ = 0;
  std::vector<Placed> first_;  // in order
};

}  // namespace

std::vector<Candidate> rank_first(std::size_t how_many, const Client& client,
                                  const RankRequest& request, const MirrorSet& mirrors_with_file,
                                  const MirrorTable& table, const RankSettings& settings) {
  if (how_many == 0) return {};
  if (request.avoided.empty()) {
    if (auto first = FirstRanker(how_many, client, request, table, settings).run(mirrors_with_file))
      return *std::move(first);
  }
  std::vector<Candidate> accepted =
      rank(client, request, mirrors_with_file, table, settings).accepted;
  accepted.resize(std::min(accepted.size(), how_many));
  return accepted;
}

}  // namespace mirror
