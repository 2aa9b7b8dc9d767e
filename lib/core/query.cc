// The query string of a request: overrides and representation words.
#include <algorithm>
#include <array>
#include <charconv>

#include "core/decide.h"
#include "core/path.h"

namespace mirror {
namespace {

constexpr std::array<std::string_view, 12> kRepresentations = {"meta4", "metalink", "mirrorlist", "torrent", "magnet", "zsync",
                                                               "md5",   "sha1",     "sha256",     "sha512",  "btih",   "json"};

void read_country(Query& query, std::string_view value) {
  query.country = CountryCode::parse(value);
  query.malformed |= !query.country || region_of(*query.country) == Region::unknown;
}

void read_as(Query& query, std::string_view value) {
  AsNumber number = 0;
  const char* const end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, number);
  query.asn = number;
  query.malformed |= error != std::errc() || stop != end || number == 0;
}

void read_word(Query& query, std::string_view pair) {
  const std::size_t equals = pair.find('=');
  const auto word = percent_decode(pair.substr(0, equals));
  if (!word) return;
  if (const auto found = std::find(kRepresentations.begin(), kRepresentations.end(), *word); found != kRepresentations.end()) {
    query.representation = true;
    query.representation_name = *found;
  }
  if (equals == pair.npos) return;
  const std::string value = percent_decode(pair.substr(equals + 1)).value_or("");
  if (*word == "country") read_country(query, value);
  if (*word == "as") read_as(query, value);
}

}  // namespace

Query parse_query(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("&;"), text.size());
    read_word(query, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return query;
}

Client overridden(Client client, const Query& query) {
  if (query.malformed || (!query.country && !query.asn)) return client;
  client.overridden = true;
  client.place.reset();
  if (query.country) {
    client.country = *query.country;
    client.region = region_of(client.country);
    client.asn = 0;
    client.as_name.clear();
  }
  if (query.asn) {
    client.asn = *query.asn;
    client.as_name.clear();
  }
  return client;
}

}  // namespace mirror
