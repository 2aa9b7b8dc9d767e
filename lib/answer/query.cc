// The query string of a request: overrides and representation words.
#include "answer/query.h"

#include <charconv>

#include "answer/decide.h"
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

void read_argument(Query& query, std::string_view raw_name,
                   std::optional<std::string_view> raw_value) {
  const auto word = percent_decode(raw_name);
  if (!word) return;
  const std::string value = percent_decode(raw_value.value_or("")).value_or("");
  if (const auto found = representation_by_word(*word, value)) query.representation = found;
  query.only_hash |= *word == "only_hash";
  if (!raw_value) return;
  if (*word == "country") read_country(query, value);
  if (*word == "as") read_as(query, value);
}

}  // namespace

Query parse_query(std::string_view text) {
  Query query;
  each_argument(text, [&](auto name, auto value) { read_argument(query, name, value); });
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
