#include "tools/mb/since.h"

#include <ctime>

#include "tools/mb/watch/status.h"

namespace mirror::mb {

std::int64_t parse_since(const std::string& text) {
  for (const char* format : {"%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"}) {
    std::tm time{};
    const char* const end = ::strptime(text.c_str(), format, &time);
    if (end != nullptr && *end == '\0') return ::timegm(&time);
  }
  return std::time(nullptr) - static_cast<std::int64_t>(parse_age("--since", text));
}

}  // namespace mirror::mb
