// A mirror's settings as text to edit: JSON as `mb export json` has it, with comments. Pure.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include "tools/cli/json.h"

#include "db/mirror/mirrors.h"
#include "moving/moved_mirror.h"

namespace mirror::mb {

// What is wrong with the text, and in which line.
struct TextFault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// `settings`: as settings_json() makes them.
std::string edit_text(const nlohmann::json& settings);
// The settings in the text; what is left out is missing. Throws TextFault.
nlohmann::json parse_edit_text(std::string_view text);

// What differs in the second from the first, for the database.
struct Edited {
  std::string identifier;  // "": as it was
  std::vector<db::Change> columns;
  std::vector<std::string> no_longer_first, now_first;  // networks and ASes
  bool empty() const {
    return identifier.empty() && columns.empty() && no_longer_first.empty() && now_first.empty();
  }
};
// Throws TextFault for what no mirror has.
Edited what_changed(const nlohmann::json& before, const nlohmann::json& after);

}  // namespace mirror::mb
