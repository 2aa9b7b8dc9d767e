// The one ranked list of mirrors that every representation, the redirect and `mb explain` read.
// Pure: the same input gives the same list, on every host and in every process.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rank/may_serve.h"
#include "rank/mirror_table.h"

namespace mirror {

enum class Tier : std::uint8_t { prefix, as, country, other_country, far };
std::string_view tier_name(Tier tier);  // "prefix", "as", "country", "other-country", "far"

struct RankSettings {
  double distance_scale_km = 200;  // d0
  double as_limit_km = 1500;       // the as tier ends here where both places are known
  std::int64_t sticky_s = 3600;    // length of a client's time slot
};

// What of the request matters for ranking.
struct RankRequest {
  bool https = false;
  std::int64_t size_bytes = 0;  // of the file, for file_maxsize
  std::int64_t now_s = 0;       // Unix time, chooses the time slot
  bool with_stale = false;      // the file is immutable: stale mirrors have it as it is
  std::span<const std::string> avoided = {};  // identifiers of mirrors that do not count
};

struct Candidate {
  const Mirror* mirror = nullptr;  // owned by the MirrorTable
  Tier tier = Tier::far;
  double distance_km = std::numeric_limits<double>::quiet_NaN();  // NaN: nobody knows
  double effective_weight = 0;
  bool speaks_family = true;  // has an address of the client's family
  bool oversized = false;  // the file is larger than the mirror's file_maxsize: after everyone else
  int prefix_bits = 0;  // of the longest prefix that the client is in; an IPv4 one counts 96 more
  // Of the mirror's nearest place.
  CountryCode country = {};
  Region region = Region::unknown;
};

struct Rejected {
  MirrorId id = 0;
  const Mirror* mirror = nullptr;  // nullptr for unknown_mirror
  RejectReason reason{};
};

struct Ranking {
  std::vector<Candidate> accepted;  // best first
  std::vector<Rejected> rejected;
};

Ranking rank(const Client& client, const RankRequest& request, const MirrorSet& mirrors_with_file,
             const MirrorTable& table, const RankSettings& settings);

// The first `how_many` of rank()'s accepted ones, in a fraction of the time: most of the others'
// logarithms and distances are never computed.
std::vector<Candidate> rank_first(std::size_t how_many, const Client& client,
                                  const RankRequest& request, const MirrorSet& mirrors_with_file,
                                  const MirrorTable& table, const RankSettings& settings);

// The URL base that a client of this scheme and family gets of this mirror: https clients https
// only; http clients http, or https where there is no http or it is down. Empty when there is none.
std::string_view base_url(const Mirror& mirror, bool https, Family family);

// All of them that this client may use, base_url() first.
std::vector<std::string_view> usable_bases(const Mirror& mirror, bool https, Family family);

// Once `enough` mirrors are near (of a tier nearer than far, or in the client's region), the others
// are left out; 0: never.
void leave_out_far(std::vector<Candidate>& ranked, const Client& client, int enough);

}  // namespace mirror
