// Who asked for which file a moment ago, in shared memory: who asks again could not reach the
// mirror that it was sent to. A small table without locks; a newer entry may push an older one out.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "answer/choose.h"
#include "core/model.h"

namespace mirror::httpd {

class RecentRequests {
 public:
  // How often the same client was sent to mirrors for the same file, since `window_s` ago at most;
  // 0 from the fourth time on: many clients behind one address are no client without luck.
  // `which`: a number for client and file. From any process and thread.
  std::size_t turn(std::uint64_t which, std::int64_t now_s, std::int64_t window_s) const {
    const std::uint64_t count = count_of(which, now_s, window_s);
    return count < kMostTurns ? count : 0;
  }
  // The client is sent to a mirror now.
  void note(std::uint64_t which, std::int64_t now_s, std::int64_t window_s) {
    std::atomic<std::uint64_t>& entry = entries_[which % kEntries];
    const std::uint64_t count = count_of(which, now_s, window_s);
    const std::uint64_t began =
        count > 0 ? entry.load(std::memory_order_relaxed) >> 8 : static_cast<std::uint64_t>(now_s);
    entry.store(mark_of(which) << 32 | (began & kTimeMask) << 8 | std::min(count + 1, kMostCount),
                std::memory_order_relaxed);
  }

 private:
  static constexpr std::size_t kEntries = 1 << 16;
  static constexpr std::uint64_t kTimeMask = (1 << 24) - 1, kMostCount = 255;

  static std::uint64_t mark_of(std::uint64_t which) { return scattered(which) >> 32 | 1; }
  std::uint64_t count_of(std::uint64_t which, std::int64_t now_s, std::int64_t window_s) const {
    const std::uint64_t entry = entries_[which % kEntries].load(std::memory_order_relaxed);
    const std::uint64_t age_s = (static_cast<std::uint64_t>(now_s) - (entry >> 8)) & kTimeMask;
    const bool same = entry >> 32 == mark_of(which);
    return same && age_s <= static_cast<std::uint64_t>(window_s) ? entry & 0xff : 0;
  }

  // Mark, the time of the first request in s, how many.
  std::array<std::atomic<std::uint64_t>, kEntries> entries_{};
};

}  // namespace mirror::httpd
