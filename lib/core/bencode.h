// Bencoding (BEP 3), as far as torrents need it. Appends to a buffer; allocates nothing else.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

namespace mirror {

inline void append_string(std::string& out, std::string_view text) {
  fmt::format_to(std::back_inserter(out), "{}:", text.size());
  out += text;
}

inline void append_integer(std::string& out, std::int64_t number) {
  fmt::format_to(std::back_inserter(out), "i{}e", number);
}

}  // namespace mirror
