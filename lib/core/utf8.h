// UTF-8 (RFC 3629), read strictly.
#pragma once

#include <cstdint>
#include <string_view>

namespace mirror {

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t length = 0;  // bytes; 0: broken UTF-8
};

// The sequence at the start of `bytes`, which is not empty.
CodePoint first_code_point(std::string_view bytes);

}  // namespace mirror
