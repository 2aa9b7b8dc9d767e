// What redirects cause on each mirror, as httpd's status page tells it.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace mirror::mb {

// Mbit/s by the mirrors' identifiers; mirrors without traffic may be missing. What several trees of
// one httpd say of the same identifier is added up.
using Traffic = std::map<std::string, double, std::less<>>;

Traffic parse_traffic(std::string_view page);  // as `?auto` has it; other lines are ignored
// Throws UsageError for what is no URL, Failure when there is no such page.
Traffic fetch_traffic(const std::string& url);

}  // namespace mirror::mb
