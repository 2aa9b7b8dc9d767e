// Sizes and times as directory indexes print them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "scanner/web/page_entry.h"

namespace mirror::scanner::web {

// How a server rounds.
enum class Rounding : std::uint8_t {
  apache,      // apr_strfsize: 973 bytes and more as 1.0K to 9.9K, then to the nearest
  nginx,       // autoindex_exact_size off: 10,000 bytes and more as 10K, to the nearest
  lighttpd,    // 1.2K: down to a tenth, a tenth being 100 of 1024, and from 0.1K on
  fancyindex,  // a module of nginx, fancyindex_exact_size off: 1.5 KiB, to the nearest tenth
  unknown      // to one of the last digit, of units of 1000 or 1024
};

// Takes the size at the beginning of `text`, which has no blanks there: "1.2M", "12 KB", "973",
// "1,234". nullopt: there is none, such as "-".
std::optional<ListedSize> read_size(std::string_view text, Rounding rounding);

// A time within text, in one of the forms that servers use, and where it is.
struct FoundTime {
  ListedTime time;
  std::size_t begin = 0, end = 0;
};
// The first one; nullopt: there is none.
std::optional<FoundTime> find_time(std::string_view text);

}  // namespace mirror::scanner::web
