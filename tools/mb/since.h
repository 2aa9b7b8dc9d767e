// The time of `--since`, as an admin writes it.
#pragma once

#include <cstdint>
#include <string>

namespace mirror::mb {

// Unix time of a day or minute by UTC ("2026-11-29", "2026-11-29 12:00") or of an age ("12h").
// Throws UsageError.
std::int64_t parse_since(const std::string& text);

}  // namespace mirror::mb
