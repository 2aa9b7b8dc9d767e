// Bounds of what the database holds, which its schema checks (sql/schema.sql) and readers rely on:
// a value outside them would overflow a sum, or mean something else to each reader.
#pragma once

#include <cstdint>

namespace mirror {

// Of revisions. The sequence that numbers merges never gets there; what is above was made up.
inline constexpr std::int64_t kMaxRev = std::int64_t{1} << 60;

// How long gone files are redirected.
inline constexpr double kDefaultGraceS = 86400;
inline constexpr double kMaxGraceS = 366 * 86400.0;

}  // namespace mirror
