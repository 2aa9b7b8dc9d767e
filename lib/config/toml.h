// The TOML parser, configured once for all of lib/config. Odd texts ("[[[") break what it takes for
// granted, which would end the program, or be undefined with NDEBUG; so that throws instead.
// Internal to lib/config.
#pragma once

namespace mirror {
struct MalformedToml {};
constexpr void expect_toml(bool holds) {
  if (!holds) throw MalformedToml();
}
}  // namespace mirror

#undef NDEBUG
#define TOML_ASSERT(expr) ::mirror::expect_toml(static_cast<bool>(expr))
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>
