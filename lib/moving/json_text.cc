#include "moving/json_text.h"

namespace mirror::moving {

using Json = nlohmann::json;

std::optional<Json> parse_json(std::string_view text, int deepest) {
  bool deep = false;
  Json json = Json::parse(
      text,
      [&](int depth, Json::parse_event_t, const Json&) {
        deep = deep || depth > deepest;
        return !deep;
      },
      false);
  if (json.is_discarded() || deep) return std::nullopt;
  return json;
}

std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "";
  if (!value.is_array()) return value.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string list;
  for (const Json& one : value) list += (list.empty() ? "" : ",") + text_of(one);
  return list;
}

}  // namespace mirror::moving
