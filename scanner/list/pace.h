// How long a listing may take, and how slow it may be. A server that sends something now and then
// is never silent, so a limit on silence alone would not end the scan. One Pace for each listing,
// in its thread.
#pragma once

#include <chrono>
#include <cstdint>

namespace mirror::scanner {

class Pace {
 public:
  using Clock = std::chrono::steady_clock;
  // The clock begins to run at `now`.
  Pace(double max_minutes, Clock::time_point now);
  // To be called whenever something came; `entries` is the listing's count so far. Throws
  // ListingError beyond the limit, and when five minutes brought fewer than 60 entries.
  void check(std::int64_t entries, Clock::time_point now);

 private:
  double max_minutes_;
  Clock::time_point start_, window_;
  std::int64_t entries_at_window_ = 0;
};

}  // namespace mirror::scanner
