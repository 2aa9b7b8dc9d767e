#include "answer/query.h"

#include <charconv>
#include <string>

#include "core/path.h"

namespace mirror {
namespace {

bool same_word(std::string_view text, std::string_view lower_case) {
  return std::equal(text.begin(), text.end(), lower_case.begin(), lower_case.end(),
                    [](char a, char b) {
                      return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
                    });
}

template <class Take>
void each_member(std::string_view list, Take take) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    take(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

// Also by the two names that are in wide use and not ISO 3166's.
std::optional<CountryCode> read_code(std::string_view word) {
  if (same_word(word, "uk")) word = "GB";
  if (same_word(word, "el")) word = "GR";
  const auto code = CountryCode::parse(word);
  return code && !code->everyone() ? code : std::nullopt;
}

// xx, several with commas between them, or "global". The last argument that names a place counts.
void read_country(Query& query, std::string_view value) {
  std::vector<CountryCode> codes;
  bool everywhere = false;
  query.malformed |= value.empty();
  each_member(value, [&](std::string_view word) {
    if (same_word(word, "global")) return void(everywhere = true);
    const auto code = read_code(word);
    query.malformed |= !code;
    const bool fits = code && region_of(*code) != Region::unknown && codes.size() < kMostCountries;
    if (fits && std::find(codes.begin(), codes.end(), *code) == codes.end()) codes.push_back(*code);
  });
  if (codes.empty() && !everywhere) return;
  query.everywhere = everywhere;
  query.country = everywhere ? std::nullopt : std::optional(codes.front());
  query.further_countries.clear();
  if (!everywhere) query.further_countries.assign(codes.begin() + 1, codes.end());
}

// Of mirrors. A name that no mirror has does no harm: the client may know an older list.
void read_avoided(Query& query, std::string_view value) {
  each_member(value, [&](std::string_view name) {
    if (!name.empty() && query.avoided.size() < kMostAvoided) query.avoided.emplace_back(name);
  });
}

void read_as(Query& query, std::string_view value) {
  AsNumber number = 0;
  const char* const end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, number);
  if (error == std::errc() && stop == end && number != 0) {
    query.asn = number;
  } else {
    query.malformed = true;
  }
}

void read_protocol(Query& query, std::string_view value) {
  bool http = false, https = false;
  each_member(value, [&](std::string_view word) {
    http |= same_word(word, "http");
    https |= same_word(word, "https");
  });
  if (!http && !https) return;
  query.schemes = http && https ? Query::Schemes::any
                  : https       ? Query::Schemes::https
                                : Query::Schemes::http;
}

void read_argument(Query& query, std::string_view raw_name,
                   std::optional<std::string_view> raw_value) {
  const auto word = percent_decode(raw_name);
  if (!word) return;
  const std::string value = percent_decode(raw_value.value_or("")).value_or("");
  if (const auto found = representation_by_word(*word, value)) query.representation = found;
  if (*word == "mirrorstats") query.representation = Representation::mirrorlist;  // mirrorbits'
  query.only_hash |= *word == "only_hash";
  query.direct |= *word == kDirectWord;
  if (!raw_value) return;
  if (*word == "country") read_country(query, value);
  if (*word == "as") read_as(query, value);
  if (*word == "protocol") read_protocol(query, value);
  if (*word == "avoid") read_avoided(query, value);
  if (*word == "ip") query.address = Address::parse(value);
}

}  // namespace

Query::Query(std::string_view text) : raw(text) {
  each_argument(text, [&](auto name, auto value) { read_argument(*this, name, value); });
}

Query parse_query(std::string_view text) { return Query(text); }

Client overridden(Client client, const Query& query) {
  if (!query.moves_client()) return client;
  client.overridden = true;
  client.place.reset();
  if (query.country || query.everywhere) {
    client.country = query.country.value_or(CountryCode());
    client.region = query.country ? region_of(client.country) : Region::unknown;
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
