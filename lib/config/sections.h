// The sections of mb.toml that have files of their own. Each throws ConfigError with the place of
// what is wrong. Internal to lib/config. Pure.
#pragma once

#include <string>
#include <vector>

#include "config/instance.h"
#include "config/read_value.h"

namespace mirror {

// notify_target.cc: all [[notify]].
std::vector<NotifyTarget> read_notify(const toml::node& node, const std::string& file);

// path_rule.cc
Fault read_globs(const toml::node& node, std::vector<std::string>& into);    // `immutable`
Fault read_presets(const toml::node& node, std::vector<std::string>& into);  // `preset`
// All [[instance.NAME.mutable]] of the instance with that `section`.
void read_mutable(const toml::node& node, const std::string& file, const std::string& section,
                  std::vector<MutableRule>& into);
// Made of the three.
PathRules rules_of(const Instance& instance);

}  // namespace mirror
