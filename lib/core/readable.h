// Numbers and times as people read them, and times as JSON has them. Pure.
#pragma once

#include <cstdint>
#include <string>

namespace mirror {

// 1234567 as "1,234,567".
std::string grouped(std::int64_t number);
// 1536 as "1.5 KiB".
std::string bytes_text(std::int64_t bytes);
// Unix time as "2026-11-24 00:10 UTC".
std::string utc_minute(std::int64_t time_s);
// "3 days", "25 minutes".
std::string age_text(std::int64_t seconds);
// Unix time as RFC 3339, for JSON.
std::string rfc3339(std::int64_t time_s);

}  // namespace mirror
