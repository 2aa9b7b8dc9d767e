// Patterns with wildcards: `*` stands for any bytes, '/' too, `?` for one. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace mirror {

enum class Letters : std::uint8_t {
  exact,
  any_case
};  // any_case: ASCII letters, for MIME types and user agents

// Whether the pattern fits all of the text; in time linear in pattern × text.
bool wildcard_match(std::string_view pattern, std::string_view text,
                    Letters letters = Letters::any_case);

}  // namespace mirror
