// Keeps a line from being logged again and again. It has only atomics and no pointers, so it may be
// in shared memory: then all processes together log a line once. Any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "core/fnv.h"

namespace mirror::httpd {

class LogGate {
 public:
  using Clock = std::chrono::steady_clock;  // the same in all processes of a host

  // Whether `line` is to be logged now: it is another one than the last, which was logged `calm`
  // ago or longer; or the last one was logged an hour ago.
  bool opens(const std::string& line, Clock::duration calm = {}) {
    const std::int64_t now_ns = in_ns(Clock::now().time_since_epoch());
    const std::uint64_t key = fnv1a(line) | 1;
    const bool same = key == last_.load();
    std::int64_t logged_ns = logged_ns_.load();
    const std::int64_t pause_ns = in_ns(same ? Clock::duration(kForgotten) : calm);
    if (last_.load() != 0 && now_ns < logged_ns + pause_ns) return false;
    if (!logged_ns_.compare_exchange_strong(logged_ns, now_ns)) return false;
    last_ = key;
    return true;
  }

  // The next line is logged, whatever it says, because the fault was over in between.
  void reset() { last_ = 0; }

 private:
  static constexpr std::chrono::hours kForgotten{1};
  static std::int64_t in_ns(Clock::duration time) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
  }

  std::atomic<std::uint64_t> last_{0};  // of the last line; 0: none, or it is forgotten
  std::atomic<std::int64_t> logged_ns_{0};
};

}  // namespace mirror::httpd
