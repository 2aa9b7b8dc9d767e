// The rules for paths that fit the repositories of well-known package managers: `preset` in
// mb.toml. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/path_rules.h"

namespace mirror {

struct Preset {
  const char* name;
  std::vector<std::string> immutable;
  std::vector<MutableRule> groups;
};

const std::vector<Preset>& presets();
const Preset* find_preset(std::string_view name);  // nullptr: there is none

}  // namespace mirror
