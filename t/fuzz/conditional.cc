#include "answer/conditional.h"
#include "core/http_date.h"

#include "fuzz.h"

using namespace mirror;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  const auto size_bytes = input.ConsumeIntegral<std::int64_t>();
  const auto mtime_s = input.ConsumeIntegral<std::int64_t>();
  const std::string text = input.ConsumeRemainingBytesAsString();

  if (const std::int64_t time_s = parse_http_date(text); time_s >= 0) {
    require(parse_http_date(http_date(time_s)) == time_s);
    require(not_modified({"", text}, 1, time_s) && !not_modified({"", text}, 1, time_s + 1));
  }
  not_modified({text, text}, size_bytes, mtime_s);
  require(not_modified({"*", ""}, size_bytes, mtime_s));
  require(!has_control_bytes(entity_tag(size_bytes, mtime_s)) && http_date(mtime_s).size() == 29);
  constexpr std::int64_t kLatest = INT64_MAX / 1'000'000;
  if (size_bytes >= 0 && mtime_s >= 0 && mtime_s <= kLatest) {
    require(not_modified({entity_tag(size_bytes, mtime_s), ""}, size_bytes, mtime_s));
  }
  return 0;
}
