// What the fuzz targets share. A target calls require() for what must hold of any input, so that a
// fuzzer finds wrong answers too.
#pragma once

#include <fuzzer/FuzzedDataProvider.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace mirror {

inline void require(bool holds) {
  if (!holds) std::abort();
}

inline bool has_control_bytes(std::string_view text) {
  for (const unsigned char c : text) {
    if (c < ' ' || c == 0x7f) return true;
  }
  return false;
}

}  // namespace mirror
