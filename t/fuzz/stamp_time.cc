#include "core/stamp_time.h"

#include "core/http_date.h"
#include "fuzz.h"

using namespace mirror;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::int64_t kEnd_s = 253'402'387'200;  // of the year 9999, west of Greenwich
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto time_s = parse_stamp(text);
  if (!time_s) return 0;
  require(*time_s >= 0 && *time_s < kEnd_s);
  require(parse_stamp(text.substr(0, text.find('\n'))) == time_s);
  if (*time_s < kEnd_s - 2 * 86400) {
    require(parse_stamp(utc_timestamp(*time_s)) == time_s);
    require(parse_stamp(http_date(*time_s)) == time_s);
  }
  return 0;
}
