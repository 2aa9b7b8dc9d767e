// The records that are written rarely and read by people too: JSON.
#include <nlohmann/json.hpp>

#include "catalog/codec.h"

namespace mirror::catalog {
namespace {

using nlohmann::json;

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

template <class Items, class Text>
json texts(const Items& items, Text text) {
  json list = json::array();
  for (const auto& item : items) list.push_back(std::string(text(item)));
  return list;
}

json to_json(const Mirror& m) {
  const auto code = [](const CountryCode& country) { return country.text(); };
  json value = {{"id", m.id},
                {"identifier", m.identifier},
                {"http_url", m.http_url},
                {"https_url", m.https_url},
                {"enabled", m.enabled},
                {"online", m.online},
                {"weight", m.weight},
                {"country", std::string(m.country.text())},
                {"region", std::string(region_code(m.region))},
                {"asn", m.asn},
                {"prefix_only", m.prefix_only},
                {"as_only", m.as_only},
                {"country_only", m.country_only},
                {"region_only", m.region_only},
                {"ipv4", m.ipv4},
                {"ipv6", m.ipv6},
                {"file_maxsize", m.file_maxsize},
                {"other_countries", texts(m.other_countries, code)},
                {"excluded_countries", texts(m.excluded_countries, code)},
                {"prefixes", texts(m.prefixes, [](const Prefix& prefix) { return prefix.text(); })},
                {"served_as", m.served_as},
                {"operator_name", m.operator_name},
                {"operator_url", m.operator_url}};
  if (m.place) value["place"] = {m.place->latitude, m.place->longitude};
  return value;
}

std::vector<CountryCode> countries(const json& list) {
  std::vector<CountryCode> codes;
  for (const json& item : list) {
    if (const auto code = CountryCode::parse(item.get<std::string>())) codes.push_back(*code);
  }
  return codes;
}

Mirror from_json(const json& value) {
  Mirror m;
  m.id = value.at("id").get<MirrorId>();
  value.at("identifier").get_to(m.identifier);
  value.at("http_url").get_to(m.http_url);
  value.at("https_url").get_to(m.https_url);
  value.at("enabled").get_to(m.enabled);
  value.at("online").get_to(m.online);
  value.at("weight").get_to(m.weight);
  m.country = CountryCode::parse(value.at("country").get<std::string>()).value_or(CountryCode());
  m.region = parse_region(value.at("region").get<std::string>()).value_or(Region::unknown);
  value.at("asn").get_to(m.asn);
  value.at("prefix_only").get_to(m.prefix_only);
  value.at("as_only").get_to(m.as_only);
  value.at("country_only").get_to(m.country_only);
  value.at("region_only").get_to(m.region_only);
  value.at("ipv4").get_to(m.ipv4);
  value.at("ipv6").get_to(m.ipv6);
  value.at("file_maxsize").get_to(m.file_maxsize);
  m.other_countries = countries(value.at("other_countries"));
  m.excluded_countries = countries(value.at("excluded_countries"));
  for (const json& text : value.at("prefixes")) {
    if (const auto prefix = Prefix::parse(text.get<std::string>())) m.prefixes.push_back(*prefix);
  }
  value.at("served_as").get_to(m.served_as);
  value.at("operator_name").get_to(m.operator_name);
  value.at("operator_url").get_to(m.operator_url);
  if (value.contains("place"))
    m.place = Place{value["place"].at(0).get<double>(), value["place"].at(1).get<double>()};
  return m;
}

}  // namespace

std::string encode(const Meta& meta) {
  return dump({{"format", kFormat},
               {"rev", meta.rev},
               {"token", meta.token},
               {"mirrors_rev", meta.mirrors_rev},
               {"mirrors_count", meta.mirrors_count},
               {"grace_s", meta.grace_s},
               {"complete", meta.complete},
               {"hashes", meta.hashes},
               {"region", std::string(region_code(meta.region))},
               {"as_of_s", meta.as_of_s},
               {"swept_s", meta.swept_s}});
}

std::optional<Meta> decode_meta(std::string_view text) {
  try {
    const json value = json::parse(text);
    if (value.at("format").get<int>() != kFormat) return std::nullopt;
    Meta meta;
    value.at("rev").get_to(meta.rev);
    value.at("token").get_to(meta.token);
    value.at("mirrors_rev").get_to(meta.mirrors_rev);
    value.at("mirrors_count").get_to(meta.mirrors_count);
    value.at("grace_s").get_to(meta.grace_s);
    value.at("complete").get_to(meta.complete);
    value.at("hashes").get_to(meta.hashes);
    meta.region = parse_region(value.at("region").get<std::string>()).value_or(Region::unknown);
    value.at("as_of_s").get_to(meta.as_of_s);
    value.at("swept_s").get_to(meta.swept_s);
    return meta;
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

std::string encode_mirrors(const std::vector<Mirror>& mirrors) {
  json list = json::array();
  for (const Mirror& mirror : mirrors) list.push_back(to_json(mirror));
  return dump(list);
}

std::optional<std::vector<Mirror>> decode_mirrors(std::string_view text) {
  try {
    const json list = json::parse(text);
    if (!list.is_array()) return std::nullopt;
    std::vector<Mirror> mirrors;
    for (const json& value : list) mirrors.push_back(from_json(value));
    return mirrors;
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

}  // namespace mirror::catalog
