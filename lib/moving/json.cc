// Our own export.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "moving/formats.h"

namespace mirror::moving {
namespace {

constexpr int kDeepest = 6;
using Json = nlohmann::json;

std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "";
  if (!value.is_array()) return value.dump();
  std::string list;
  for (const Json& one : value) list += (list.empty() ? "" : ",") + text_of(one);
  return list;
}

// Prefixes as texts, ASes as texts or numbers.
void add_served(const Json& list, MovedMirror& mirror) {
  if (!list.is_array()) throw FormatError("prefixes and served_as must be lists");
  for (const Json& one : list)
    mirror.serves_first.push_back(one.is_number() ? "AS" + one.dump() : text_of(one));
}

MovedMirror mirror_of(const Json& object, std::size_t number) {
  if (!object.is_object() || !object.contains("identifier") || !object["identifier"].is_string())
    throw FormatError(fmt::format("mirror {} has no identifier", number));
  MovedMirror mirror;
  for (const auto& [name, value] : object.items()) {
    if (name == "identifier")
      mirror.identifier = value.get<std::string>();
    else if (name == "prefixes" || name == "served_as")
      add_served(value, mirror);
    else if (value.is_object())
      mirror.leave_out(name, value.dump());
    else
      mirror.columns.emplace_back(name, text_of(value));
  }
  return mirror;
}

}  // namespace

MovedMirrors read_json(std::string_view text) {
  bool deep = false;
  const Json json = Json::parse(
      text,
      [&](int depth, Json::parse_event_t, const Json&) {
        deep = deep || depth > kDeepest;
        return !deep;
      },
      false);
  if (json.is_discarded() || deep) throw FormatError("is not JSON as `mb export json` writes it");
  const Json* list = &json;
  if (json.is_object() && json.contains("mirrors")) list = &json["mirrors"];
  if (!list->is_array()) throw FormatError("has no list of mirrors");
  MovedMirrors moved;
  for (const Json& object : *list)
    moved.mirrors.push_back(mirror_of(object, moved.mirrors.size() + 1));
  return moved;
}

}  // namespace mirror::moving
