#include "rank/rank.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "rank/rank_rules.h"

namespace mirror {
namespace {

constexpr double kUnknownKm = std::numeric_limits<double>::quiet_NaN();

class Ranker {
 public:
  Ranker(const Client& client, const RankRequest& request, const MirrorTable& table,
         const RankSettings& settings)
      : table_(table), rules_(client, request, settings) {}

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
    const Nearness near = rules_.nearness(*mirror);
    if (const auto reason = rules_.unwilling(*mirror, near)) return reject(id, mirror, *reason);

    Candidate candidate{.mirror = mirror,
                        .distance_km = rules_.distance_to(table_.row_of(*mirror).direction)};
    candidate.tier = rules_.tier(*mirror, near, candidate.distance_km);
    candidate.speaks_family = rules_.speaks_family(mirror->ipv6);
    candidate.oversized = rules_.is_oversized(*mirror);
    own_country_serves_ |= rules_.is_own_country(*mirror, candidate.oversized);
    ranking_.accepted.push_back(candidate);
  }

  void reject(MirrorId id, const Mirror* mirror, RejectReason reason) {
    ranking_.rejected.push_back({id, mirror, reason});
  }

  void weigh() {
    const double country_median_km = median_km(Tier::country), far_median_km = median_km(Tier::far);
    for (Candidate& candidate : ranking_.accepted) {
      const Mirror& mirror = *candidate.mirror;
      candidate.effective_weight = mirror.weight;
      if (!RankRules::distance_counts(candidate.tier)) continue;
      const bool far = candidate.tier == Tier::far;
      const bool known = !std::isnan(candidate.distance_km);
      candidate.effective_weight *= rules_.distance_factor(known ? candidate.distance_km
                                                           : far ? far_median_km
                                                                 : country_median_km);
      if (far && rules_.in_own_region(mirror.region)) candidate.effective_weight *= 2;
    }
  }

  // Of the known distances in the tier; NaN when none is, or when all are and nobody needs it.
  double median_km(Tier tier) const {
    const auto lacks_place = [&](const Candidate& c) {
      return c.tier == tier && std::isnan(c.distance_km);
    };
    if (std::none_of(ranking_.accepted.begin(), ranking_.accepted.end(), lacks_place))
      return kUnknownKm;
    std::vector<double> known_km;
    for (const Candidate& candidate : ranking_.accepted) {
      if (candidate.tier == tier && !std::isnan(candidate.distance_km))
        known_km.push_back(candidate.distance_km);
    }
    if (known_km.empty()) return kUnknownKm;
    const auto middle = known_km.begin() + static_cast<std::ptrdiff_t>(known_km.size() / 2);
    std::nth_element(known_km.begin(), middle, known_km.end());
    if (known_km.size() % 2 == 1) return *middle;
    return (*middle + *std::max_element(known_km.begin(), middle)) / 2;
  }

  // By oversized, tier, family and race. Times are not negative, so their bits order as they do,
  // and one number holds it all.
  void sort() {
    struct Entry {
      std::uint64_t key;
      std::uint32_t position;
      bool operator<(const Entry& other) const { return key < other.key; }
    };
    std::vector<Entry> entries;
    entries.reserve(ranking_.accepted.size());
    for (const Candidate& candidate : ranking_.accepted) {
      const std::uint64_t group =
          RankRules::class_of(candidate.oversized, candidate.tier, candidate.speaks_family);
      const double race = RankRules::race_time(
          rules_.uniform(table_.row_of(*candidate.mirror).scatter), candidate.effective_weight);
      const auto time = std::bit_cast<std::uint64_t>(race);
      entries.push_back({group << 59 | time >> 5, static_cast<std::uint32_t>(entries.size())});
    }
    std::sort(entries.begin(), entries.end());
    std::vector<Candidate> sorted;
    sorted.reserve(entries.size());
    for (const Entry& entry : entries) sorted.push_back(ranking_.accepted[entry.position]);
    ranking_.accepted = std::move(sorted);
  }

  const MirrorTable& table_;
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

std::string_view base_url(const Mirror& mirror, bool https) {
  return https || mirror.http_url.empty() ? mirror.https_url : mirror.http_url;
}

std::vector<std::string_view> usable_bases(const Mirror& mirror, bool https) {
  std::vector<std::string_view> bases;
  if (!https && !mirror.http_url.empty()) bases.push_back(mirror.http_url);
  if (!mirror.https_url.empty()) bases.push_back(mirror.https_url);
  return bases;
}

void leave_out_far(std::vector<Candidate>& ranked, const Client& client, int enough) {
  const auto is_near = [&](const Candidate& candidate) {
    return candidate.tier != Tier::far ||
           (client.region != Region::unknown && candidate.mirror->region == client.region);
  };
  if (enough > 0 && std::count_if(ranked.begin(), ranked.end(), is_near) >= enough) {
    std::erase_if(ranked, [&](const Candidate& candidate) { return !is_near(candidate); });
  }
}

}  // namespace mirror
