// A query string's arguments.
#pragma once

#include <algorithm>
#include <optional>
#include <string_view>

namespace mirror {

// Calls take(name, value) for each, still encoded; they are separated by '&' or ';'. One without
// '=' has no value.
template <class Take>
void each_argument(std::string_view query, Take take) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find_first_of("&;"), query.size());
    const std::string_view argument = query.substr(0, end);
    const std::size_t equals = std::min(argument.find('='), argument.size());
    using Value = std::optional<std::string_view>;
    take(argument.substr(0, equals),
         equals == argument.size() ? Value() : Value(argument.substr(equals + 1)));
    query.remove_prefix(std::min(end + 1, query.size()));
  }
}

}  // namespace mirror
