#include "config/read_value.h"

#include "config/instance.h"
#include "core/nearest.h"
#include "core/path.h"

namespace mirror {

void fail_at(const toml::source_region& place, const std::string& file, const std::string& what) {
  throw ConfigError(fmt::format("{}:{}:{}: {}", file, place.begin.line, place.begin.column, what));
}

namespace {

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a float";
    case toml::node_type::boolean:
      return "a boolean";
    default:
      return "a date or time";
  }
}

}  // namespace

Fault wrong_type(const toml::node& node, std::string_view expected) {
  return fmt::format("expected {}, not {}", expected, type_name(node));
}

Fault read_string(const toml::node& node, std::string& into) {
  const auto* value = node.as_string();
  if (value == nullptr) return wrong_type(node, "a string");
  if (value->get().find('\0') != std::string::npos) return "expected a string without NUL";
  into = value->get();
  return kFine;
}

Fault read_file_name(const toml::node& node, std::string& into) {
  if (Fault fault = read_string(node, into); !fault.empty()) return fault;
  return into.starts_with('/') ? kFine : "expected an absolute path, which begins with '/'";
}

Fault read_urls(const toml::node& node, UrlKind kind, std::vector<std::string>& into) {
  const toml::array* list = node.as_array();
  if (list == nullptr) return wrong_type(node, "an array of URLs");
  for (const toml::node& entry : *list) {
    std::string& url = into.emplace_back();
    if (Fault fault = read_string(entry, url); !fault.empty())
      return fmt::format("entry {}: {}", into.size(), fault);
    if (const UrlFault fault = check_url(url, kind))
      return fmt::format("entry {}: the URL cannot be used: {}", into.size(), fault.text());
  }
  return kFine;
}

Fault read_number(const toml::node& node, double& into, double low, double high) {
  const std::string expected = fmt::format("a number from {} to {}", low, high);
  if (!node.is_number()) return wrong_type(node, expected);
  const double value = *node.value<double>();
  if (!(value >= low && value <= high)) return fmt::format("expected {}, not {}", expected, value);
  into = value;
  return kFine;
}

Fault read_boolean(const toml::node& node, bool& into) {
  const auto* value = node.as_boolean();
  if (value == nullptr) return wrong_type(node, "true or false");
  into = value->get();
  return kFine;
}

Fault read_strings(const toml::node& node, std::vector<std::string>& into) {
  const toml::array* list = node.as_array();
  if (list == nullptr) return wrong_type(node, "an array of strings");
  into.clear();
  for (const toml::node& entry : *list) {
    std::string& text = into.emplace_back();
    if (Fault fault = read_string(entry, text); !fault.empty())
      return fmt::format("entry {}: {}", into.size(), fault);
    if (text.empty()) return fmt::format("entry {} is empty", into.size());
  }
  return kFine;
}

void fail_unknown(const toml::key& key, const std::string& file, std::string_view section,
                  const std::vector<std::string>& known) {
  const std::string suggestion = did_you_mean(key.str(), known);
  std::string expected;
  for (const std::string& name : known) expected += (expected.empty() ? "" : ", ") + name;
  fail_at(key.source(), file,
          fmt::format(
              "unknown key '{}' in {}{}", printable(key.str()), section,
              suggestion.empty() ? fmt::format("; expected one of: {}", expected) : suggestion));
}

const toml::table& as_table(const toml::node& node, const std::string& file,
                            const std::string& name) {
  if (!node.is_table())
    fail_at(node.source(), file, fmt::format("{}: {}", name, wrong_type(node, "a table")));
  return *node.as_table();
}

}  // namespace mirror
