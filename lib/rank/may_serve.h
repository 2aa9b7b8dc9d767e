// Who may serve a client a file at all: the one owner of what enabled, online, health, standing,
// weight, URLs, address families, only-flags and excluded countries mean. rank(), its index, the
// lists of files and what `mb` says of a mirror ask here. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/model.h"

namespace mirror {

enum class RejectReason : std::uint8_t {
  unknown_mirror,  // the file's cohort names an id that the table lacks
  disabled,
  offline,
  down,   // over every way that the client could take
  stale,  // and the file is not immutable
  wrong,
  returning,
  no_weight,
  no_url,             // neither http nor https
  https_only_client,  // an https client and no https URL
  ipv6_only,          // an IPv4 client and no IPv4 address
  prefix_only,
  as_only,
  country_only,
  region_only,
  excluded_country,
  avoided,  // by the client's wish
};
std::string_view reject_text(RejectReason reason);
// The same, with what the prober said of the mirror: "down: connection refused". nullptr: unknown.
std::string reject_text(RejectReason reason, const Mirror* mirror);

// What a mirror and the client have in common.
struct Nearness {
  bool prefix = false, as = false, country = false, named = false, region = false;
  int prefix_bits = 0;  // as Candidate has it
};

// Why it serves no client, whoever asks; nullopt: it serves some. `with_stale`: of an immutable
// file, which a stale mirror may serve.
std::optional<RejectReason> serves_nobody(const Mirror& mirror, bool with_stale = false);

// Over which way a client of this address family reaches the mirror's URLs of one scheme: one that
// has only IPv6 may reach a mirror without IPv6 over a translator of its network. nullopt: none.
std::optional<Way> way_to(const Mirror& mirror, bool https, Family family);
// Whether it has a URL of that scheme and answers there, as far as is known.
bool answers(const Mirror& mirror, bool https, Family family);

// Why it serves no client of this scheme and address family, whatever the client's place.
std::optional<RejectReason> unusable(const Mirror& mirror, bool https, Family family,
                                     bool with_stale);

// Whether it does not want a client of this country (unknown: of no country). A client that is
// nearer than an only-flag asks is served: one in the mirror's prefixes is served by a country_only
// mirror, whatever its country.
std::optional<RejectReason> unwilling(const Mirror& mirror, const Nearness& near,
                                      CountryCode country);

// Takes such files only when no other mirror can. file_maxsize 0: no limit.
inline bool is_oversized(const Mirror& mirror, std::int64_t size_bytes) {
  return mirror.file_maxsize > 0 && size_bytes > mirror.file_maxsize;
}

// Whether all clients of its own and of other countries are alike to it: unwilling() is always
// nullopt, is_oversized() false, and nearness follows from its AS, country and region alone.
bool is_plain(const Mirror& mirror);

}  // namespace mirror
