// The records that are written rarely and read by people too: JSON.
#include <nlohmann/json.hpp>

#include "catalog/codec.h"
#include "core/mirror_members.h"

namespace mirror::catalog {
namespace {

using nlohmann::json;

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Writing a member of a Mirror, by its type, and reading it again.
template <class Value>
json member_json(const Value& value) {
  return value;
}
json member_json(const CountryCode& country) { return std::string(country.text()); }
json member_json(Region region) { return std::string(region_code(region)); }
json member_json(WaySet ways) { return ways.texts(); }
json member_json(Standing standing) { return std::string(standing_name(standing)); }
json member_json(const Prefix& prefix) { return prefix.text(); }
json member_json(const MirrorPlace& place) { return place.text(); }
template <class Item>
json member_json(const std::vector<Item>& items) {
  json list = json::array();
  for (const Item& item : items) list.push_back(member_json(item));
  return list;
}

template <class Value>
void read_member(const json& value, Value& member) {
  value.get_to(member);
}
void read_member(const json& value, CountryCode& country) {
  country = CountryCode::parse(value.get<std::string>()).value_or(CountryCode());
}
void read_member(const json& value, Region& region) {
  region = parse_region(value.get<std::string>()).value_or(Region::unknown);
}
void read_member(const json& list, WaySet& ways) {
  for (const json& text : list) {
    if (const auto way = Way::parse(text.get<std::string>())) ways.add(*way);
  }
}
// Of one that a later version writes, nothing good is known.
void read_member(const json& value, Standing& standing) {
  standing = parse_standing(value.get<std::string>()).value_or(Standing::wrong);
}
// What cannot be parsed is left out.
template <class Item>
void read_parsed(const json& list, std::vector<Item>& items) {
  for (const json& text : list) {
    if (const auto item = Item::parse(text.get<std::string>())) items.push_back(*item);
  }
}
void read_member(const json& list, std::vector<CountryCode>& countries) {
  read_parsed(list, countries);
}
void read_member(const json& list, std::vector<Prefix>& prefixes) { read_parsed(list, prefixes); }
void read_member(const json& list, std::vector<MirrorPlace>& places) { read_parsed(list, places); }

template <class Value>
void put(json& object, const char* name, const Value& value) {
  object[name] = member_json(value);
}
void put(json& object, const char* name, const std::optional<Place>& place) {
  if (place) object[name] = {place->latitude, place->longitude};
}

template <class Value>
void take(const json& object, const char* name, Value& value) {
  read_member(object.at(name), value);
}
void take(const json& object, const char* name, std::optional<Place>& place) {
  const auto found = object.find(name);
  if (found != object.end()) place = Place{found->at(0).get<double>(), found->at(1).get<double>()};
}

json to_json(const Mirror& mirror) {
  json object = json::object();
  for_each_mirror_member(
      [&](const auto& member) { put(object, member.name, mirror.*member.where); });
  return object;
}

Mirror from_json(const json& object) {
  Mirror mirror;
  for_each_mirror_member(
      [&](const auto& member) { take(object, member.name, mirror.*member.where); });
  return mirror;
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

std::string encode_rules(const PathRules& rules) {
  json groups = json::array();
  for (const MutableRule& rule : rules.groups()) {
    groups.push_back({{"folder", rule.folder},
                      {"anchors", rule.anchors},
                      {"signatures", rule.signatures},
                      {"alternates_s", rule.alternates_s}});
  }
  return dump({{"immutable", rules.immutable_texts()}, {"mutable", groups}});
}

std::optional<PathRules> decode_rules(std::string_view text) {
  try {
    const json value = json::parse(text);
    std::vector<MutableRule> groups;
    for (const json& rule : value.at("mutable")) {
      groups.push_back({rule.at("folder").get<std::string>(),
                        rule.at("anchors").get<std::vector<std::string>>(),
                        rule.at("signatures").get<std::vector<std::string>>(),
                        rule.at("alternates_s").get<double>()});
    }
    return PathRules(value.at("immutable").get<std::vector<std::string>>(), groups);
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

std::string encode_pause(const std::optional<Pause>& pause) {
  return dump(pause ? json{{"since_s", pause->since_s}, {"reason", pause->reason}} : json());
}

bool decode_pause(std::string_view text, std::optional<Pause>& pause) {
  try {
    const json value = json::parse(text);
    pause.reset();
    if (!value.is_null())
      pause = Pause{value.at("since_s").get<std::int64_t>(), value.at("reason").get<std::string>()};
    return true;
  } catch (const json::exception&) {
    return false;
  }
}

}  // namespace mirror::catalog
