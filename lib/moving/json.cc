// Our own export.
#include <fmt/format.h>

#include <ctime>

#include "moving/formats.h"
#include "moving/json_text.h"

namespace mirror::moving {
namespace {

constexpr int kDeepest = 6;
using Json = nlohmann::json;

// Prefixes as texts, ASes as texts or numbers.
void add_served(const Json& list, MovedMirror& mirror) {
  if (!list.is_array()) throw FormatError("prefixes and served_as must be lists");
  for (const Json& one : list)
    mirror.serves_first.push_back(one.is_number() ? "AS" + one.dump() : text_of(one));
}

std::int64_t time_of(const std::string& text) {
  std::tm time{};
  const char* const end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &time);
  if (end == nullptr || *end != '\0')
    throw FormatError("the time of a comment must be like 2026-11-30T14:00:00Z");
  return ::timegm(&time);
}

void add_comments(const Json& list, MovedMirror& mirror) {
  if (!list.is_array()) throw FormatError("comments must be a list");
  for (const Json& one : list) {
    std::string texts[3];
    int found = 0;
    for (const char* const name : {"at", "by", "text"}) {
      if (!one.is_object() || !one.contains(name) || !one[name].is_string())
        throw FormatError("a comment must have the texts at, by and text");
      texts[found++] = one[name].get<std::string>();
    }
    mirror.comments.push_back({time_of(texts[0]), texts[1], texts[2]});
  }
}

MovedMirror mirror_of(const Json& object, std::size_t number) {
  if (!object.is_object() || !object.contains("identifier") || !object["identifier"].is_string())
    throw FormatError(fmt::format("mirror {} has no identifier", number));
  MovedMirror mirror;
  for (const auto& [name, value] : object.items()) {
    if (name == "identifier")
      mirror.identifier = value.get<std::string>();
    else if (name == "prefixes" || name == "served_as") {
      add_served(value, mirror);
      (name == "prefixes" ? mirror.says_all_networks : mirror.says_all_ases) = true;
    } else if (name == "comments")
      add_comments(value, mirror);
    else if (value.is_object())
      mirror.leave_out(name, value.dump());
    else
      mirror.columns.emplace_back(name, text_of(value));
  }
  return mirror;
}

}  // namespace

MovedMirrors read_json(std::string_view text) {
  const std::optional<Json> parsed = parse_json(text, kDeepest);
  if (!parsed) throw FormatError("is not JSON as `mb export json` writes it");
  const Json& json = *parsed;
  const Json* list = &json;
  if (json.is_object() && json.contains("mirrors")) list = &json["mirrors"];
  if (!list->is_array()) throw FormatError("has no list of mirrors");
  MovedMirrors moved;
  for (const Json& object : *list)
    moved.mirrors.push_back(mirror_of(object, moved.mirrors.size() + 1));
  return moved;
}

}  // namespace mirror::moving
