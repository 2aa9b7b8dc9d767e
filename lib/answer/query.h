// A query string's arguments, and what they mean. Pure.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.h"
#include "core/model.h"
#include "render/representation.h"

namespace mirror {

// Calls take(name, value) for each, still encoded; they are separated by '&' or ';'. One without
// '=' has no value.
template <class Take>
void each_argument(std::string_view query, Take take) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find_first_of("&;"), query.size());
    const std::string_view argument = query.substr(0, end);
    const std::size_t equals = std::min(argument.find('='), argument.size());
    using Value = std::optional<std::string_view>;
    take(argument.substr(0, equals),
         equals == argument.size() ? Value() : Value(argument.substr(equals + 1)));
    query.remove_prefix(std::min(end + 1, query.size()));
  }
}

// The word that makes this server send a file itself (local trees): lists name the file so as
// their last resort.
inline constexpr std::string_view kDirectWord = "direct";

// Each country of country= costs a list a ranking of its own; further ones are ignored.
inline constexpr std::size_t kMostCountries = 16;
// So many names of avoid= count.
inline constexpr std::size_t kMostAvoided = 32;

// What the query string asks for, read once per request. Unknown words are ignored, because they
// may be for the mirror. Unknown values are ignored too; malformed ones are noted.
struct Query {
  enum class Schemes : std::uint8_t { any, http, https };

  Query() = default;
  explicit(false) Query(std::string_view text);  // `text` outlives it
  template <std::convertible_to<std::string_view> Text>
  explicit(false) Query(const Text& text) : Query(std::string_view(text)) {}

  std::string_view raw = {};                   // without '?'
  std::optional<CountryCode> country;          // country=xx, the first of several
  std::vector<CountryCode> further_countries;  // country=xx,yy: lists name their mirrors next
  bool everywhere = false;                     // country=global: the client is nowhere
  std::optional<AsNumber> asn;                 // as=NNN
  std::vector<std::string> avoided;            // avoid=NAME,...: mirrors that do not count
  std::optional<Address> address;              // ip=: lists are for a client at this address
  Schemes schemes = Schemes::any;              // protocol=: the URLs that lists may have
  std::optional<Representation>
      representation;      // a word (meta4, torrent, …): that instead of the file
  bool only_hash = false;  // only_hash: .md5 and the like without the file's name
  bool direct = false;     // kDirectWord
  bool malformed = false;  // country= or as= was given and is no such thing: 400 for lists

  bool moves_client() const { return country || everywhere || asn; }
};

Query parse_query(std::string_view query);

// The client that mirrors are chosen for: country= replaces country, region (by table) and drops
// coordinates and AS; as= sets it.
Client overridden(Client client, const Query& query);

}  // namespace mirror
