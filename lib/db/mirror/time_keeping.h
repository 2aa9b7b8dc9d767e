// Whether a mirror keeps the source's modification times, by the share of files for which a scan
// found it so. Pure.
#pragma once

#include <cstdint>
#include <optional>

namespace mirror::db {

enum class TimeKeeping : std::uint8_t { undecided, kept, not_kept };

// What full scans measured of a mirror.
struct MeasuredTimes {
  // Of the files with the source's size, those that have its time; nullopt: never measured.
  std::optional<double> share;
  // By how much the mirror's times are ahead of the source's; with it taken off they are its own.
  std::int64_t offset_s = 0;
};

// `share`: of the files with the source's size, those that have its time; nullopt when never
// measured. Undecided between: some files differ by the mirror's habit, or since the source rolled
// them back; one cannot tell which.
constexpr TimeKeeping keeping_of(std::optional<double> share) {
  constexpr double kClear = 0.9;
  if (!share) return TimeKeeping::undecided;
  if (*share >= kClear) return TimeKeeping::kept;
  return *share <= 1 - kClear ? TimeKeeping::not_kept : TimeKeeping::undecided;
}

}  // namespace mirror::db
