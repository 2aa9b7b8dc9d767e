// Reading values and sections of a TOML document: each reader returns what is wrong with a value,
// or
// "" when nothing is; a section is read by its table of keys. Internal to lib/config. Pure.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/toml.h"
#include "core/url.h"

namespace mirror {

// Throws ConfigError: `what`, with the place in the file.
[[noreturn]] void fail_at(const toml::source_region& place, const std::string& file,
                          const std::string& what);

// What is wrong with a value beyond its type.
using Fault = std::string;
inline const Fault kFine;

Fault wrong_type(const toml::node& node, std::string_view expected);

Fault read_string(const toml::node& node, std::string& into);
Fault read_file_name(const toml::node& node, std::string& into);  // absolute
Fault read_number(const toml::node& node, double& into, double low, double high);
Fault read_boolean(const toml::node& node, bool& into);
Fault read_urls(const toml::node& node, UrlKind kind, std::vector<std::string>& into);
// An array of texts that are not empty, in place of what `into` has.
Fault read_strings(const toml::node& node, std::vector<std::string>& into);

template <typename Integer>
Fault read_integer(const toml::node& node, Integer& into, std::int64_t low, std::int64_t high) {
  const auto* value = node.as_integer();
  const std::string expected = fmt::format("an integer from {} to {}", low, high);
  if (value == nullptr) return wrong_type(node, expected);
  if (value->get() < low || value->get() > high)
    return fmt::format("expected {}, not {}", expected, value->get());
  into = static_cast<Integer>(value->get());
  return kFine;
}

// One key of a section of type Owner; the manual page mb.toml(5) documents each.
template <typename Owner>
struct Key {
  const char* name;
  Fault (*read)(const toml::node& node, Owner& owner);
};

// Throws ConfigError for a key that is not among `known`.
[[noreturn]] void fail_unknown(const toml::key& key, const std::string& file,
                               std::string_view section, const std::vector<std::string>& known);
// Throws ConfigError if it is none.
const toml::table& as_table(const toml::node& node, const std::string& file,
                            const std::string& name);

// `tables`: keys that are sections of their own, read by the caller.
template <typename Owner, std::size_t N>
void read_keys(const toml::table& table, const std::string& file, const std::string& section,
               const Key<Owner> (&keys)[N], Owner& owner,
               const std::vector<std::string>& tables = {}) {
  std::vector<std::string> known = tables;
  for (const auto& key : keys) known.push_back(key.name);
  for (const auto& [name, node] : table) {
    if (std::find(tables.begin(), tables.end(), name.str()) != tables.end()) continue;
    const auto* key = std::find_if(std::begin(keys), std::end(keys),
                                   [&name = name](const auto& k) { return name.str() == k.name; });
    if (key == std::end(keys)) fail_unknown(name, file, section, known);
    if (const Fault fault = key->read(node, owner); !fault.empty()) {
      fail_at(node.source(), file, fmt::format("{}: {}", key->name, fault));
    }
  }
}

}  // namespace mirror
