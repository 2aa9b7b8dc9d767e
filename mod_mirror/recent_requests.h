// Who asked for which file a moment ago, in shared memory: who asks again could not reach the
// mirror that it was sent to. A small table without locks; a newer entry may push an older one out.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/model.h"

namespace mirror::httpd {

class RecentRequests {
 public:
  // How often the same client has asked for the same file before, each time within `window_s` of
  // the next; notes this time. `which`: a number for client and file. From any process and thread.
  std::size_t note(std::uint64_t which, std::int64_t now_s, std::int64_t window_s) {
    std::atomic<std::uint64_t>& entry = entries_[which % kEntries];
    const std::uint64_t mark = scattered(which) >> 32 | 1, now = static_cast<std::uint64_t>(now_s);
    const std::uint64_t before = entry.load(std::memory_order_relaxed);
    const std::uint64_t age_s = (now - (before >> 8)) & kTimeMask;
    const bool again = before >> 32 == mark && age_s <= static_cast<std::uint64_t>(window_s);
    const std::uint64_t turn = again ? ((before & 0xff) + 1) & 0xff : 0;
    entry.store(mark << 32 | (now & kTimeMask) << 8 | turn, std::memory_order_relaxed);
    return turn;
  }

 private:
  static constexpr std::size_t kEntries = 1 << 16;
  static constexpr std::uint64_t kTimeMask = (1 << 24) - 1;
  std::array<std::atomic<std::uint64_t>, kEntries> entries_{};  // mark, time in s, turn
};

}  // namespace mirror::httpd
