// What explanations and `mb` have in common in their JSON. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/model.h"

namespace mirror {

nlohmann::json client_json(const Client& client);

// A Unix time as RFC 3339, or null.
nlohmann::json time_json(const std::optional<std::int64_t>& time_s);

// Sets `key` to the bytes where they are UTF-8, else `key`_hex to their hexadecimal digits: JSON
// has no other bytes.
void put_bytes(nlohmann::json& object, const std::string& key, std::string_view bytes);

}  // namespace mirror
