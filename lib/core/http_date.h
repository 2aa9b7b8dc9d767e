// Times as text, in HTTP's form and in that of representations. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mirror {

// An HTTP-date (IMF-fixdate) of a Unix time, and back; parse returns -1 for other text.
std::string http_date(std::int64_t time_s);
std::int64_t parse_http_date(std::string_view text);

// 1994-11-06T08:49:37Z (RFC 3339).
std::string utc_timestamp(std::int64_t time_s);

}  // namespace mirror
