#include "answer/repositories.h"

#include <fmt/format.h>

#include <algorithm>

#include "answer/query.h"
#include "core/path.h"

namespace mirror {
namespace {

bool is_name(std::string_view text) {
  const auto fits = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), fits);
}

// The template with `value_of` of each name; nullopt for a brace outside {NAME}, and if `value_of`
// returns nullopt.
template <class ValueOf>
std::optional<std::string> filled(std::string_view pattern, ValueOf value_of) {
  std::string out;
  while (!pattern.empty()) {
    const std::size_t open = std::min(pattern.find_first_of("{}"), pattern.size());
    out += pattern.substr(0, open);
    pattern.remove_prefix(open);
    if (pattern.empty()) break;
    const std::size_t close = pattern.find('}');
    if (pattern.front() == '}' || close == pattern.npos) return std::nullopt;
    const std::optional<std::string> value = value_of(pattern.substr(1, close - 1));
    if (!value) return std::nullopt;
    out += *value;
    pattern.remove_prefix(close + 1);
  }
  return out;
}

// nullopt when the query does not have it, or more than once, or broken.
std::optional<std::string> value_in(std::string_view query, std::string_view name) {
  std::optional<std::string> found;
  int count = 0;
  each_argument(query, [&](std::string_view raw_name, std::optional<std::string_view> raw_value) {
    if (percent_decode(raw_name) != name) return;
    found = percent_decode(raw_value.value_or(""));
    ++count;
  });
  return count == 1 ? found : std::nullopt;
}

std::optional<Repository> named_by(const RepositoryRule& rule, std::string_view query) {
  std::vector<std::string> values;
  for (const RepositoryArgument& argument : rule.arguments) {
    auto value = value_in(query, argument.name);
    if (!value || !argument.accepts(*value)) return std::nullopt;
    values.push_back(std::move(*value));
  }
  auto directory = filled(rule.directory, [&](std::string_view name) -> std::optional<std::string> {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (rule.arguments[i].name == name) return values[i];
    }
    return std::nullopt;
  });
  if (!directory) return std::nullopt;
  if (!directory->empty()) *directory += '/';
  Repository repository{*std::move(directory), rule.marker};
  if (check_path(repository.marker_path()) != PathFault::none) return std::nullopt;
  return repository;
}

}  // namespace

std::string repository_fault(const RepositoryRule& rule) {
  for (const RepositoryArgument& argument : rule.arguments) {
    const std::string& name = argument.name;
    const auto same = [&](const RepositoryArgument& other) { return other.name == name; };
    if (!is_name(name)) return fmt::format("'{}' is not the name of an argument", name);
    if (name == "country" || name == "as")
      return fmt::format("'{}' is reserved for the client's place", name);
    if (std::count_if(rule.arguments.begin(), rule.arguments.end(), same) > 1)
      return fmt::format("'{}' is given twice", name);
  }
  std::string unknown;
  const auto directory =
      filled(rule.directory, [&](std::string_view name) -> std::optional<std::string> {
        for (const RepositoryArgument& argument : rule.arguments) {
          if (argument.name == name) return "value";
        }
        unknown = name;
        return std::nullopt;
      });
  if (!unknown.empty()) return fmt::format("there is no argument NAME=REGEX for '{{{}}}'", unknown);
  if (!directory) return fmt::format("'{}' has a brace outside {{NAME}}", rule.directory);
  const std::string marker = directory->empty() ? rule.marker : *directory + '/' + rule.marker;
  if (const PathFault fault = check_path(rule.marker); fault != PathFault::none) {
    return fmt::format("'{}': {}", rule.marker, path_fault_text(fault));
  }
  const PathFault fault = check_path(marker);
  return fault == PathFault::none ? ""
                                  : fmt::format("'{}': {}", rule.directory, path_fault_text(fault));
}

std::optional<Repository> find_repository(std::span<const RepositoryRule> rules,
                                          std::string_view query) {
  for (const RepositoryRule& rule : rules) {
    if (auto repository = named_by(rule, query)) return repository;
  }
  return std::nullopt;
}

Outcome no_repository(DeclineReason reason) {
  Outcome outcome{.refused = reason, .why = "the directory has no marker file"};
  if (reason == DeclineReason::no_repository) outcome.why = "the arguments fit no repository";
  std::string body = fmt::format("There is no such repository: {}.\n", outcome.why);
  outcome.result = Outcome::Answer{
      404, {{"Content-Type", "text/plain; charset=utf-8"}, {"Cache-Control", kCacheControl}}, body};
  return outcome;
}

}  // namespace mirror
