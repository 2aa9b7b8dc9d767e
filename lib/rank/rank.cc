#include "rank/rank.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "rank/rank_rules.h"

namespace mirror {
namespace {

constexpr double kUnknownKm = std::numeric_limits<double>::quiet_NaN();

class Ranker {
 public:
  Ranker(const Client& client, const RankRequest& request, const MirrorTable& table,
         const RankSettings& settings)
      : table_(table), avoided_(request.avoided), rules_(client, request, settings) {}

  Ranking run(const MirrorSet& mirrors_with_file) {
    const std::vector<MirrorId> ids = mirrors_with_file.ids();
    ranking_.accepted.reserve(ids.size());
    for (const MirrorId id : ids) consider(id);
    if (own_country_serves_) {
      for (Candidate& candidate : ranking_.accepted) {
        if (candidate.tier == Tier::other_country) candidate.tier = Tier::far;
      }
    }
    weigh();
    sort();
    return std::move(ranking_);
  }

 private:
  void consider(MirrorId id) {
    const Mirror* const mirror = table_.find(id);
    if (mirror == nullptr) return reject(id, mirror, RejectReason::unknown_mirror);
    if (const auto reason = rules_.unusable(*mirror)) return reject(id, mirror, *reason);
    if (std::find(avoided_.begin(), avoided_.end(), mirror->identifier) != avoided_.end())
      return reject(id, mirror, RejectReason::avoided);
    const RankRow& row = rules_.nearest_row(table_, table_.known_position(id));
    const Nearness near = rules_.nearness(*mirror, row);
    if (const auto reason = rules_.unwilling(*mirror, near)) return reject(id, mirror, *reason);

    Candidate candidate{.mirror = mirror, .distance_km = rules_.distance_to(row)};
    candidate.tier = rules_.tier(row, near, candidate.distance_km);
    candidate.speaks_family = rules_.speaks_family(mirror->ipv6);
    candidate.oversized = rules_.is_oversized(*mirror);
    candidate.prefix_bits = near.prefix_bits;
    own_country_serves_ |= rules_.is_own_country(row, candidate.oversized);
    candidate.country = row.country;
    candidate.region = row.region;
    ranking_.accepted.push_back(candidate);
  }

  void reject(MirrorId id, const Mirror* mirror, RejectReason reason) {
    ranking_.rejected.push_back({id, mirror, reason});
  }

  void weigh() {
    for (Candidate& candidate : ranking_.accepted)
      candidate.effective_weight = candidate.mirror->weight;
    weigh_by_distance(Tier::country);
    weigh_by_distance(Tier::far);
  }

  void weigh_by_distance(Tier tier) {
    std::vector<double> known_km;
    for (const Candidate& candidate : ranking_.accepted) {
      const double distance_km = counted_km(candidate);
      if (candidate.tier == tier && !std::isnan(distance_km)) known_km.push_back(distance_km);
    }
    if (known_km.empty()) known_km.push_back(kUnknownKm);
    const double nearest_km = *std::min_element(known_km.begin(), known_km.end());
    const DistanceFall fall = rules_.fall(nearest_km);
    const double median_beyond_km = median(std::move(known_km)) - nearest_km;
    for (Candidate& candidate : ranking_.accepted) {
      if (candidate.tier != tier) continue;
      const double distance_km = counted_km(candidate);
      if (fall.matters()) {
        candidate.effective_weight /=
            fall.divisor(std::isnan(distance_km) ? median_beyond_km : distance_km - nearest_km);
      }
      if (tier == Tier::far && rules_.in_own_region(candidate.region))
        candidate.effective_weight *= 2;
    }
  }

  // NaN: not known.
  double counted_km(const Candidate& candidate) const {
    return rules_.is_here(candidate.region) ? 0 : candidate.distance_km;
  }

  // Of one or more.
  static double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    if (values.size() % 2 == 1) return *middle;
    return (*middle + *std::max_element(values.begin(), middle)) / 2;
  }

  void sort() {
    struct Entry {
      std::uint64_t key;
      std::uint32_t position;
      bool operator<(const Entry& other) const { return key < other.key; }
    };
    std::vector<Entry> entries;
    entries.reserve(ranking_.accepted.size());
    for (const Candidate& candidate : ranking_.accepted) {
      const std::uint8_t klass =
          RankRules::class_of(candidate.oversized, candidate.tier, candidate.speaks_family);
      const double time = RankRules::race_time(
          rules_.uniform(table_.row_of(*candidate.mirror).scatter), candidate.effective_weight);
      entries.push_back({RankRules::order(klass, candidate.prefix_bits, time),
                         static_cast<std::uint32_t>(entries.size())});
    }
    std::sort(entries.begin(), entries.end());
    std::vector<Candidate> sorted;
    sorted.reserve(entries.size());
    for (const Entry& entry : entries) sorted.push_back(ranking_.accepted[entry.position]);
    ranking_.accepted = std::move(sorted);
  }

  const MirrorTable& table_;
  const std::span<const std::string> avoided_;
  const RankRules rules_;
  bool own_country_serves_ = false;
  Ranking ranking_;
};

}  // namespace

std::string_view tier_name(Tier tier) {
  constexpr std::array<std::string_view, 5> kNames = {"prefix", "as", "country", "other-country",
                                                      "far"};
  return kNames[static_cast<std::size_t>(tier)];
}

Ranking rank(const Client& client, const RankRequest& request, const MirrorSet& mirrors_with_file,
             const MirrorTable& table, const RankSettings& settings) {
  return Ranker(client, request, table, settings).run(mirrors_with_file);
}

std::string_view base_url(const Mirror& mirror, bool https, Family family) {
  if (!https && answers(mirror, false, family)) return mirror.http_url;
  return answers(mirror, true, family) ? std::string_view(mirror.https_url) : std::string_view();
}

std::vector<std::string_view> usable_bases(const Mirror& mirror, bool https, Family family) {
  std::vector<std::string_view> bases;
  if (!https && answers(mirror, false, family)) bases.push_back(mirror.http_url);
  if (answers(mirror, true, family)) bases.push_back(mirror.https_url);
  return bases;
}

void leave_out_far(std::vector<Candidate>& ranked, const Client& client, int enough) {
  const auto is_near = [&](const Candidate& candidate) {
    return candidate.tier != Tier::far ||
           (client.region != Region::unknown && candidate.region == client.region);
  };
  if (enough > 0 && std::count_if(ranked.begin(), ranked.end(), is_near) >= enough) {
    std::erase_if(ranked, [&](const Candidate& candidate) { return !is_near(candidate); });
  }
}

}  // namespace mirror
