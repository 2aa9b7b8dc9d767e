// What mb.toml says of paths: immutable patterns, mutable groups, presets of both.
#include <fmt/format.h>

#include "config/presets.h"
#include "config/sections.h"
#include "core/limits.h"
#include "core/path.h"

namespace mirror {
namespace {

Fault read_names(const toml::node& node, std::vector<std::string>& into) {
  const toml::array* list = node.as_array();
  if (list == nullptr) return wrong_type(node, "an array of names of files");
  for (const toml::node& entry : *list) {
    if (Fault fault = read_string(entry, into.emplace_back()); !fault.empty())
      return fmt::format("entry {}: {}", into.size(), fault);
  }
  return kFine;
}

Fault read_alternates_hours(const toml::node& node, double& seconds) {
  int hours = 0;
  const Fault fault = read_integer(node, hours, 0, kKeepGoneHours);
  seconds = hours * 3600.0;
  return fault;
}

constexpr Key<MutableRule> kMutableKeys[] = {
    {"folder", [](const toml::node& n, MutableRule& r) { return read_string(n, r.folder); }},
    {"anchors", [](const toml::node& n, MutableRule& r) { return read_names(n, r.anchors); }},
    {"signatures", [](const toml::node& n, MutableRule& r) { return read_names(n, r.signatures); }},
    {"alternates_hours",
     [](const toml::node& n, MutableRule& r) { return read_alternates_hours(n, r.alternates_s); }},
};

}  // namespace

Fault read_globs(const toml::node& node, std::vector<std::string>& into) {
  const toml::array* list = node.as_array();
  if (list == nullptr) return wrong_type(node, "an array of patterns");
  if (list->size() > kMaxPathGlobs)
    return fmt::format("expected at most {} patterns", kMaxPathGlobs);
  for (const toml::node& entry : *list) {
    std::string& glob = into.emplace_back();
    if (Fault fault = read_string(entry, glob); !fault.empty())
      return fmt::format("entry {}: {}", into.size(), fault);
    if (const std::string fault = PathGlob::fault(glob); !fault.empty())
      return fmt::format("entry {}, '{}': {}", into.size(), printable(glob), fault);
  }
  return kFine;
}

// One name, or an array of them.
Fault read_presets(const toml::node& node, std::vector<std::string>& into) {
  Fault fault = node.is_array() ? read_names(node, into) : read_string(node, into.emplace_back());
  for (const std::string& name : into) {
    if (!fault.empty() || find_preset(name) != nullptr) continue;
    std::vector<std::string> known;
    for (const Preset& preset : presets()) known.emplace_back(preset.name);
    fault = fmt::format("there is no preset '{}'; expected one of: {}", printable(name),
                        fmt::format("{}", fmt::join(known, ", ")));
  }
  return fault;
}

void read_mutable(const toml::node& node, const std::string& file, const std::string& section,
                  std::vector<MutableRule>& into) {
  const std::string inner = fmt::format("[{}.mutable]]", section.substr(0, section.size() - 1));
  const toml::array* list = node.as_array();
  if (list == nullptr)
    fail_at(node.source(), file,
            fmt::format("mutable: {}", wrong_type(node, "tables, each as [[….mutable]]")));
  for (const toml::node& entry : *list) {
    MutableRule& rule = into.emplace_back();
    read_keys(as_table(entry, file, inner), file, inner, kMutableKeys, rule);
    if (const std::string fault = rule.fault(); !fault.empty())
      fail_at(entry.source(), file, fmt::format("mutable: {}", printable(fault)));
  }
}

PathRules rules_of(const Instance& instance) {
  std::vector<std::string> immutable = instance.immutable;
  std::vector<MutableRule> groups = instance.mutable_groups;
  for (const std::string& name : instance.presets) {
    const Preset& preset = *find_preset(name);
    immutable.insert(immutable.end(), preset.immutable.begin(), preset.immutable.end());
    groups.insert(groups.end(), preset.groups.begin(), preset.groups.end());
  }
  return PathRules(immutable, groups);
}

}  // namespace mirror
