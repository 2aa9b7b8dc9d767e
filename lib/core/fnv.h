// FNV-1a, 64 bits: a number for a text. Use it only where a collision made on purpose does no harm.
// May be called in a signal handler.
#pragma once

#include <cstdint>
#include <string_view>

namespace mirror {

constexpr std::uint64_t fnv1a(std::string_view text, std::uint64_t basis = 0xcbf29ce484222325) {
  for (const char c : text) basis = (basis ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return basis;
}

}  // namespace mirror
