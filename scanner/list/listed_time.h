// A time as a server's listing shows it. A plain value.
#pragma once

#include <cstdint>

namespace mirror::scanner {

struct ListedTime {
  std::int64_t time_s = 0;       // as if it were UTC
  std::int64_t precision_s = 1;  // the file's is less than this away
  bool is_utc = false;           // else it is in a time zone that the listing does not tell
  // Unless its admin set another, the server shows UTC.
  bool likely_utc = false;
};

}  // namespace mirror::scanner
