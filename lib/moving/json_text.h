// JSON from anywhere, of a depth that no reader's recursion need fear.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace mirror::moving {

// nullopt: it is no JSON, or has lists and objects in each other beyond `deepest`.
std::optional<nlohmann::json> parse_json(std::string_view text, int deepest);

// A text as it is, null as "", a list's values with commas between them, others as JSON.
std::string text_of(const nlohmann::json& value);

}  // namespace mirror::moving
