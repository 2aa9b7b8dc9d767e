#include "core/rank.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace mirror {
namespace {

constexpr double kUnknownKm = std::numeric_limits<double>::quiet_NaN();

// A bijection that changes about half of all bits for any change (the finaliser of SplitMix64).
std::uint64_t scatter(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

// The client (its IPv4 address or IPv6 /64) in its current time slot. A NAT64 client is its IPv4 address: all share one /64.
std::uint64_t sticky_key(const Address& client, const RankRequest& request, std::int64_t sticky_s) {
  const Address address = client.located();
  std::uint64_t who = static_cast<std::uint64_t>(address.family);
  for (int i = 0; i < (address.family == Family::ipv4 ? 4 : 8); ++i) who = scatter(who) ^ address.bytes[i];
  who = scatter(who);
  if (sticky_s <= 0) return who;
  const auto slot_s = static_cast<std::uint64_t>(sticky_s);
  const std::uint64_t jitter_s = who % slot_s;  // not all clients move at once
  return scatter(who ^ scatter((static_cast<std::uint64_t>(request.now_s) + jitter_s) / slot_s));
}

// When this mirror comes in, in a race where the first is each mirror with a chance of exactly weight over sum of weights.
double race_time(std::uint64_t sticky, MirrorId id, double weight) {
  const std::uint64_t random = scatter(sticky ^ scatter(static_cast<std::uint64_t>(id)));
  const double uniform = (static_cast<double>(random >> 12) + 0.5) * 0x1p-52;  // inside (0, 1)
  return -std::log(uniform) / weight;
}

template <typename T>
bool contains(const std::vector<T>& values, const T& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// What the mirror and the client have in common.
struct Nearness {
  bool prefix = false, as = false, country = false, named = false, region = false;
};

class Ranker {
 public:
  Ranker(const Client& client, const RankRequest& request, const MirrorTable& table, const RankSettings& settings)
      : client_(client), request_(request), table_(table), settings_(settings), located_(client.address.located()) {
    const auto place = client.place ? client.place : centroid_of(client.country);
    if (place) direction_ = direction(*place);
  }

  Ranking run(const std::vector<MirrorId>& mirrors_with_file) {
    ranking_.accepted.reserve(mirrors_with_file.size());
    for (const MirrorId id : mirrors_with_file) consider(id);
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
    if (const auto reason = unusable(*mirror)) return reject(id, mirror, *reason);
    const Nearness near = nearness(*mirror);
    if (const auto reason = unwilling(*mirror, near)) return reject(id, mirror, *reason);

    Candidate candidate{.mirror = mirror};
    if (direction_) candidate.distance_km = distance_km(*direction_, table_.direction_of(*mirror));
    candidate.tier = tier(*mirror, near, candidate.distance_km);
    candidate.speaks_family = client_.address.family == Family::ipv4 || mirror->ipv6;
    candidate.oversized = mirror->file_maxsize > 0 && request_.size_bytes > mirror->file_maxsize;
    own_country_serves_ |= client_.country.known() && mirror->country == client_.country && !candidate.oversized;
    ranking_.accepted.push_back(candidate);
  }

  void reject(MirrorId id, const Mirror* mirror, RejectReason reason) { ranking_.rejected.push_back({id, mirror, reason}); }

  // Whatever the client's place.
  std::optional<RejectReason> unusable(const Mirror& mirror) const {
    if (!mirror.enabled) return RejectReason::disabled;
    if (!mirror.online) return RejectReason::offline;
    if (mirror.weight <= 0) return RejectReason::no_weight;
    if (mirror.http_url.empty() && mirror.https_url.empty()) return RejectReason::no_url;
    if (base_url(mirror, request_.https).empty()) return RejectReason::https_only_client;
    if (client_.address.family == Family::ipv4 && !mirror.ipv4) return RejectReason::ipv6_only;
    return std::nullopt;
  }

  // Clients that a mirror does not want. A nearer bond than the flag's always counts: who is in its prefix is served by a
  // country_only mirror, whatever the country.
  std::optional<RejectReason> unwilling(const Mirror& mirror, const Nearness& near) const {
    if (client_.country.known() && contains(mirror.excluded_countries, client_.country)) return RejectReason::excluded_country;
    if (near.prefix) return std::nullopt;
    if (mirror.prefix_only) return RejectReason::prefix_only;
    if (near.as) return std::nullopt;
    if (mirror.as_only) return RejectReason::as_only;
    if (near.country || near.named) return std::nullopt;
    if (mirror.country_only) return RejectReason::country_only;
    if (mirror.region_only && !near.region) return RejectReason::region_only;
    return std::nullopt;
  }

  Nearness nearness(const Mirror& mirror) const {
    Nearness near;
    near.prefix = !client_.overridden && std::any_of(mirror.prefixes.begin(), mirror.prefixes.end(), [&](const Prefix& prefix) {
      return prefix.contains(located_) || prefix.contains(client_.address);
    });
    near.as = client_.asn != 0 && (mirror.asn == client_.asn || contains(mirror.served_as, client_.asn));
    if (client_.country.known()) {
      near.country = mirror.country == client_.country || mirror.country.everyone();
      near.named = contains(mirror.other_countries, client_.country);
    }
    near.region = in_own_region(mirror);
    return near;
  }

  bool in_own_region(const Mirror& mirror) const { return client_.region != Region::unknown && mirror.region == client_.region; }

  // Some ASes span continents. In one country its centroid says nothing about how far, and a claimed AS (as=) is meant as it is.
  bool as_ends_before(const Mirror& mirror, double distance_km) const {
    const bool guessed = (!client_.place || !mirror.place) && mirror.country == client_.country;
    return distance_km > settings_.as_limit_km && !guessed && !client_.overridden;
  }

  // Takes the own country to have no mirror; run() corrects that when it is known.
  Tier tier(const Mirror& mirror, const Nearness& near, double distance_km) const {
    if (near.prefix) return Tier::prefix;
    if (near.as && !as_ends_before(mirror, distance_km)) return Tier::as;
    if (near.country) return Tier::country;
    return near.named ? Tier::other_country : Tier::far;
  }

  void weigh() {
    const double country_median_km = median_km(Tier::country), far_median_km = median_km(Tier::far);
    for (Candidate& candidate : ranking_.accepted) {
      const Mirror& mirror = *candidate.mirror;
      candidate.effective_weight = mirror.weight;
      const bool far = candidate.tier == Tier::far;
      if (!far && candidate.tier != Tier::country) continue;
      const bool known = !std::isnan(candidate.distance_km);
      candidate.effective_weight *= distance_factor(known ? candidate.distance_km : far ? far_median_km : country_median_km);
      if (far && in_own_region(mirror)) candidate.effective_weight *= 2;
    }
  }

  double distance_factor(double distance_km) const {
    if (std::isnan(distance_km) || !(settings_.distance_scale_km > 0)) return 1;
    const double fall = 1 + distance_km / settings_.distance_scale_km;
    return 1 / (fall * fall);
  }

  // Of the known distances in the tier; NaN when none is, or when all are and nobody needs it.
  double median_km(Tier tier) const {
    const auto lacks_place = [&](const Candidate& c) { return c.tier == tier && std::isnan(c.distance_km); };
    if (std::none_of(ranking_.accepted.begin(), ranking_.accepted.end(), lacks_place)) return kUnknownKm;
    std::vector<double> known_km;
    for (const Candidate& candidate : ranking_.accepted) {
      if (candidate.tier == tier && !std::isnan(candidate.distance_km)) known_km.push_back(candidate.distance_km);
    }
    if (known_km.empty()) return kUnknownKm;
    const auto middle = known_km.begin() + static_cast<std::ptrdiff_t>(known_km.size() / 2);
    std::nth_element(known_km.begin(), middle, known_km.end());
    if (known_km.size() % 2 == 1) return *middle;
    return (*middle + *std::max_element(known_km.begin(), middle)) / 2;
  }

  // By oversized, tier, family and race. Times are not negative, so their bits order as they do, and one number holds it all.
  void sort() {
    struct Entry {
      std::uint64_t key;
      std::uint32_t position;
      bool operator<(const Entry& other) const { return key < other.key; }
    };
    const std::uint64_t sticky = sticky_key(client_.address, request_, settings_.sticky_s);
    std::vector<Entry> entries;
    entries.reserve(ranking_.accepted.size());
    for (const Candidate& candidate : ranking_.accepted) {
      const std::uint64_t group = candidate.oversized << 4 | static_cast<int>(candidate.tier) << 1 | !candidate.speaks_family;
      const auto time = std::bit_cast<std::uint64_t>(race_time(sticky, candidate.mirror->id, candidate.effective_weight));
      entries.push_back({group << 59 | time >> 5, static_cast<std::uint32_t>(entries.size())});
    }
    std::sort(entries.begin(), entries.end());
    std::vector<Candidate> sorted;
    sorted.reserve(entries.size());
    for (const Entry& entry : entries) sorted.push_back(ranking_.accepted[entry.position]);
    ranking_.accepted = std::move(sorted);
  }

  const Client& client_;
  const RankRequest& request_;
  const MirrorTable& table_;
  const RankSettings& settings_;
  const Address located_;
  std::optional<Direction> direction_;
  bool own_country_serves_ = false;
  Ranking ranking_;
};

}  // namespace

std::string_view tier_name(Tier tier) {
  constexpr std::array<std::string_view, 5> kNames = {"prefix", "as", "country", "other-country", "far"};
  return kNames[static_cast<std::size_t>(tier)];
}

std::string_view reject_text(RejectReason reason) {
  switch (reason) {
    case RejectReason::unknown_mirror:
      return "no such mirror";
    case RejectReason::disabled:
      return "disabled";
    case RejectReason::offline:
      return "offline";
    case RejectReason::no_weight:
      return "weight 0";
    case RejectReason::no_url:
      return "no usable URL";
    case RejectReason::https_only_client:
      return "no https for an https client";
    case RejectReason::ipv6_only:
      return "IPv6 only";
    case RejectReason::prefix_only:
      return "only its prefixes";
    case RejectReason::as_only:
      return "only its AS";
    case RejectReason::country_only:
      return "only its country";
    case RejectReason::region_only:
      return "only its region";
    case RejectReason::excluded_country:
      return "excludes the country";
  }
  return "";
}

Ranking rank(const Client& client, const RankRequest& request, const std::vector<MirrorId>& mirrors_with_file,
             const MirrorTable& table, const RankSettings& settings) {
  return Ranker(client, request, table, settings).run(mirrors_with_file);
}

std::string_view base_url(const Mirror& mirror, bool https) {
  return https || mirror.http_url.empty() ? mirror.https_url : mirror.http_url;
}

}  // namespace mirror
