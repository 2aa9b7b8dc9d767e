// The query string of a request: overrides and representation words.
#include <algorithm>
#include <charconv>

#include "core/decide.h"
#include "core/path.h"

namespace mirror {
namespace {

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
  const std::string value = equals == pair.npos ? "" : percent_decode(pair.substr(equals + 1)).value_or("");
  if (const auto found = representation_by_word(*word, value)) query.representation = found;
  if (equals == pair.npos) return;
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
