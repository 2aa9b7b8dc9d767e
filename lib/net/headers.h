// The headers of an answer, as they came. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mirror::net {

using Headers = std::vector<std::pair<std::string, std::string>>;
// Takes one line of an answer's head. What came before a status line was interim (1xx).
void add_header(Headers& headers, std::string_view line);
// The first one of that name, in whatever case; "" when there is none.
std::string_view find_header(const Headers& headers, std::string_view name);

}  // namespace mirror::net
