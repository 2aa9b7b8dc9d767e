// Limits for values in the database. The schema checks them (sql/schema.sql), and readers rely on
// them: a larger value could overflow a sum.
#pragma once

#include <cstdint>

namespace mirror {

// The largest revision. The sequence that numbers merges never gets there, so larger values are
// forged.
inline constexpr std::int64_t kMaxRev = std::int64_t{1} << 60;

// How long gone files are redirected.
inline constexpr double kDefaultGraceS = 86400;
inline constexpr double kMaxGraceS = 366 * 86400.0;

// After its grace time a gone file is known for so much longer, for replicas and in case it comes
// back. What must know which files there were looks back no farther: former versions of anchors
// are told no longer (alternates_hours).
inline constexpr int kKeepGoneHours = 30 * 24;
inline constexpr double kKeepGoneS = kKeepGoneHours * 3600.0;

}  // namespace mirror
