// The head of the ranking alone, in two steps. Who may be nearer than far is looked at one by one:
// the client's country, its AS, and mirrors with rules of their own, few of all. Everyone else is
// alike but for weight and place, and raced only where the near ones do not suffice; a bound that
// needs no logarithm and no arc tells most of them that they come too late.
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

class FirstRanker {
 public:
  FirstRanker(std::size_t how_many, const Client& client, const RankRequest& request,
              const MirrorTable& table, const RankSettings& settings)
      : how_many_(how_many),
        client_(client),
        request_(request),
        table_(table),
        index_(table.index()),
        rules_(client, request, settings),
        fall_per_chord_(settings.distance_scale_km > 0 ? kEarthRadiusKm / settings.distance_scale_km
                                                       : 0) {}

  // nullopt: only the whole ranking can tell. Some distances are unknown and take the tier's
  // median, or a mirror is named twice.
  std::optional<std::vector<Candidate>> run(const MirrorSet& mirrors_with_file) {
    if (index_.words() > kMaxWords || !gather(mirrors_with_file)) return std::nullopt;
    split();
    consider_near();
    count_far();
    find_last_class();
    first_.reserve(how_many_ + 1);
    for (const Entrant& entrant : entrants_) {
      if (entrant.klass <= last_class_ && !race(entrant)) return std::nullopt;
    }
    if (!race_far(kFar, far_) || !race_far(kFarMute, far_mute_)) return std::nullopt;
    return candidates();
  }

 private:
  struct Entrant {
    std::uint32_t position;
    std::uint8_t klass;  // RankRules::class_of
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
    const MirrorBits& usable = index_.usable(request_.https, client_.address.family);
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
    const RankRow& row = table_.rows()[position];
    const Mirror& mirror = table_.all()[position];
    Nearness near;
    bool oversized = false;
    if (row.flags & RankRow::plain) {
      near.as = client_.asn != 0 && row.asn == client_.asn;
      near.country =
          client_.country.known() && (row.country == client_.country || row.country.everyone());
    } else {
      near = rules_.nearness(mirror);
      if (rules_.unwilling(mirror, near)) return;
      oversized = rules_.is_oversized(mirror);
    }
    own_country_serves_ |= near.country && row.country == client_.country && !oversized;
    const Tier tier = rules_.tier(mirror, near, near.as ? rules_.distance_to(row.direction) : 0);
    const std::uint8_t klass =
        RankRules::class_of(oversized, tier, rules_.speaks_family(row.flags & RankRow::ipv6));
    entrants_.push_back({static_cast<std::uint32_t>(position), klass});
  }

  static Tier tier_of(std::uint8_t klass) { return static_cast<Tier>(klass >> 1 & 7); }

  void demote_named() {
    for (Entrant& entrant : entrants_) {
      if (tier_of(entrant.klass) != Tier::other_country) continue;
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

  // False when the entrant's distance is needed and not known.
  bool race(const Entrant& entrant) {
    const RankRow& row = table_.rows()[entrant.position];
    const Tier tier = tier_of(entrant.klass);
    const bool by_distance = RankRules::distance_counts(tier) && rules_.direction();
    if (by_distance && std::isnan(row.direction.x)) return false;
    const double factor = tier == Tier::far && rules_.in_own_region(row.region) ? 2 : 1;
    const double uniform = rules_.uniform(row.scatter), weight = row.weight * factor;
    const bool too_late = comes_too_late(row, uniform, weight, by_distance, latest(entrant.klass));
    if (!too_late) place(entrant, row, uniform, weight, by_distance);
    return true;
  }

  void place(const Entrant& entrant, const RankRow& row, double uniform, double weight,
             bool by_distance) {
    const double distance_km = rules_.distance_to(row.direction);
    if (by_distance) weight *= rules_.distance_factor(distance_km);
    const double time = RankRules::race_time(uniform, weight);
    const std::uint64_t key =
        static_cast<std::uint64_t>(entrant.klass) << 59 | std::bit_cast<std::uint64_t>(time) >> 5;
    if (first_.size() == how_many_ && key >= first_.back().key) return;
    const auto at = std::upper_bound(
        first_.begin(), first_.end(), key,
        [](std::uint64_t wanted, const Placed& placed) { return wanted < placed.key; });
    first_.insert(at, {key, time, weight, distance_km, entrant});
    if (first_.size() > how_many_) first_.pop_back();
  }

  bool race_far(std::uint8_t klass, const Bits& racing) {
    if (klass > last_class_) return true;
    const MirrorBits &nowhere = index_.nowhere(), &own_region = index_.in(client_.region);
    for (std::size_t i = 0; i < index_.words(); ++i) {
      if (rules_.direction() && (racing[i] & nowhere[i]) != 0) return false;
    }
    // Those of the own region come first, since they are likely to win and leave the bound low.
    const bool has_region = client_.region != Region::unknown;
    Bits some;
    for (std::size_t i = 0; has_region && i < index_.words(); ++i)
      some[i] = racing[i] & own_region[i];
    if (has_region) race_alike(klass, some, 2);
    for (std::size_t i = 0; i < index_.words(); ++i)
      some[i] = has_region ? racing[i] & ~own_region[i] : racing[i];
    race_alike(klass, some, 1);
    return true;
  }

  void race_alike(std::uint8_t klass, const Bits& racing, double factor) {
    const bool by_distance = rules_.direction().has_value();
    const RankRow* const rows = table_.rows().data();
    double latest_time = latest(klass);
    for_each_bit(used(racing), [&](std::size_t id) {
      const std::size_t position = position_of(id);
      const RankRow& row = rows[position];
      const double uniform = rules_.uniform(row.scatter), weight = row.weight * factor;
      if (comes_too_late(row, uniform, weight, by_distance, latest_time)) return;
      place({static_cast<std::uint32_t>(position), klass}, row, uniform, weight, by_distance);
      latest_time = latest(klass);
    });
  }

  // By when one of the class must come in to be among the first how_many_.
  double latest(std::uint8_t klass) const {
    constexpr double kAnyTime = std::numeric_limits<double>::infinity();
    if (first_.size() < how_many_) return kAnyTime;
    const Placed& last = first_.back();
    return klass == last.entrant.klass ? last.time : klass < last.entrant.klass ? kAnyTime : 0;
  }

  // Surely: -ln(u) is at least 1 - u, an arc at least as long as its chord c, and (1 + c)² at least
  // 1 + c².
  bool comes_too_late(const RankRow& row, double uniform, double weight, bool by_distance,
                      double latest_time) const {
    double fall = 1;
    if (by_distance) {
      const Direction &a = *rules_.direction(), &b = row.direction;
      const double dx = a.x - b.x, dy = a.y - b.y, dz = a.z - b.z;
      fall += fall_per_chord_ * fall_per_chord_ * (dx * dx + dy * dy + dz * dz);
    }
    return (1 - uniform) * kRoundingMargin * fall > latest_time * weight;
  }

  std::vector<Candidate> candidates() const {
    std::vector<Candidate> result;
    result.reserve(first_.size());
    for (const Placed& placed : first_) {
      const std::uint8_t klass = placed.entrant.klass;
      result.push_back({&table_.all()[placed.entrant.position], tier_of(klass), placed.distance_km,
                        placed.effective_weight, !(klass & 1), (klass & 16) != 0});
    }
    return result;
  }

  const std::size_t how_many_;
  const Client& client_;
  const RankRequest& request_;
  const MirrorTable& table_;
  const RankIndex& index_;
  const RankRules rules_;
  const double fall_per_chord_;  // chords on the unit sphere; RankRules::distance_factor's fall
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
  if (auto first = FirstRanker(how_many, client, request, table, settings).run(mirrors_with_file))
    return *std::move(first);
  std::vector<Candidate> accepted =
      rank(client, request, mirrors_with_file, table, settings).accepted;
  accepted.resize(std::min(accepted.size(), how_many));
  return accepted;
}

}  // namespace mirror
