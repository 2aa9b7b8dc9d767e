// What redirects cause on each mirror, as httpd's status page tells it.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace mirror::mb {

// Mbit/s by the mirrors' identifiers; mirrors without traffic may be missing.
using Traffic = std::map<std::string, double, std::less<>>;

// Of the page that `?auto` makes; other lines are ignored. `directory`: the tree's catalog; if the
// page does not know it, what several trees of one httpd say of the same identifier is added up.
Traffic parse_traffic(std::string_view page, std::string_view directory);
// Throws UsageError for what is no URL, Failure when there is no such page.
Traffic fetch_traffic(const std::string& url, std::string_view directory);

}  // namespace mirror::mb
