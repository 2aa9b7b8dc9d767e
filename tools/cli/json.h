// nlohmann-json, with its largest class compiled once, in json.cc, and not in every file that uses
// it.
#pragma once

#include <nlohmann/json.hpp>

extern template class nlohmann::basic_json<>;
