// What redirects are made of: mirrors, files, clients. Plain values that every part
// shares. Nothing here owns a resource.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/address.h"
#include "core/former_version.h"
#include "core/health.h"
#include "core/mirror_set.h"
#include "core/place.h"

namespace mirror {

using AsNumber = std::uint32_t;  // 0: unknown

// What ranking needs to know about a mirror. What else admins see (names, scan URLs, notes) is in
// db's MirrorRecord.
struct Mirror {
  MirrorId id = 0;
  std::string identifier;
  std::string http_url;   // "" or ends in '/'
  std::string https_url;  // "" or ends in '/'
  bool enabled = false;
  bool online = true;
  WaySet down;  // what does not answer; the rest counts as up
  Standing standing = Standing::good;
  std::string down_reason, standing_reason;  // in words; "" when all is well
  int weight = 100;                          // 0 takes no redirects
  CountryCode country;
  Region region = Region::unknown;
  std::optional<Place> place;
  std::vector<MirrorPlace> places;  // further ones; a client counts the one that is nearest to it
  AsNumber asn = 0;
  bool prefix_only = false;
  bool as_only = false;
  bool country_only = false;
  bool region_only = false;
  bool ipv4 = true;
  bool ipv6 = false;
  std::int64_t file_maxsize = 0;  // bytes; larger files rank after everyone else; 0: no limit
  int max_mbit = 0;               // Mbit/s that redirects may cause; 0: no limit
  std::vector<CountryCode> other_countries;
  std::vector<CountryCode> excluded_countries;
  std::vector<Prefix> prefixes;     // networks that it serves first
  std::vector<AsNumber> served_as;  // further ASes that it serves first
  std::string operator_name,
      operator_url;  // who runs it, for lists that people read; "" or an http or https URL
};

// A bijection that changes about half of all bits for any change (the finaliser of SplitMix64).
constexpr std::uint64_t scattered(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

// A number for a client by its located() address: an IPv4 address or an IPv6 /64. A NAT64 client is
// its IPv4 address: all share one /64.
constexpr std::uint64_t client_number(const Address& located) {
  std::uint64_t who = static_cast<std::uint64_t>(located.family);
  for (std::size_t i = 0; i < (located.family == Family::ipv4 ? 4 : 8); ++i)
    who = scattered(who) ^ located.bytes[i];
  return scattered(who);
}

// What a path leads to in the tree.
enum class Found : std::uint8_t { file, directory, absent };

// A current (or in-grace) version of a file, with the mirrors that have it.
struct File {
  std::string path;  // the real path: links are resolved
  std::int64_t size_bytes = 0;
  std::int64_t mtime_s = 0;  // Unix time
  MirrorSet mirrors;         // that may serve it; owned by what found the file, as what follows
  bool pending = false;      // touched at the source and not yet hashed again: no redirects
  // Unix time at which this version came; nullopt: more than a day ago, or with the whole tree.
  std::optional<std::int64_t> new_since_s = {};
  // Of a mutable group (core/group_rule.h): all mirrors that have the file, and those of them that
  // have the whole group. Without one they are the same as `mirrors`.
  MirrorSet holders = {}, whole = {};
  std::optional<std::string> group = {};  // its folder
  bool origin_only = false;               // an anchor or signature: no mirror may serve it
  // Of an anchor, where its Metalink is asked for: the newest first, also those of long ago.
  std::vector<FormerVersion> former = {};
};

// The client that asks. Unknown fields are empty.
struct Client {
  Address address;
  CountryCode country;
  Region region = Region::unknown;
  std::optional<Place> place;
  AsNumber asn = 0;
  std::string as_name;
  bool overridden = false;  // country= or as= was given: prefixes do not count
};

}  // namespace mirror
