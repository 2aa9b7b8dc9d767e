// JSON as our programs print it. Includes nlohmann-json with its largest class compiled once, in
// json.cc, and not in every file that uses it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

extern template class nlohmann::basic_json<>;

namespace mirror::cli {

// Keys keep the order in which they were set: for lines that people read too.
using OrderedJson = nlohmann::ordered_json;

// In ASCII alone, so that no byte of it controls a terminal. Broken UTF-8 becomes U+FFFD, so that
// one strange name does not hide the rest. `indent` -1: on one line.
template <typename Json>
std::string json_text(const Json& value, int indent = -1) {
  return value.dump(indent, ' ', true, Json::error_handler_t::replace);
}

}  // namespace mirror::cli
