// Directory indexes in JSON: nginx's (autoindex_format json) and Caddy's. Internal to scanner/web;
// pure.
#pragma once

#include <optional>
#include <string_view>

#include "scanner/web/page_entry.h"

namespace mirror::scanner::web {

// nullopt: it is no whole array of objects with names. Keeps no more in memory than the entries.
std::optional<PageEntries> read_json_index(std::string_view url, std::string_view body);

}  // namespace mirror::scanner::web
