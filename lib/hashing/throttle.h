// Keeps all threads together within --max-rate. Any thread may call.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <thread>

namespace mirror::hash {

class Throttle {
 public:
  Throttle(std::int64_t bytes_per_s, const std::atomic<bool>& stop)
      : rate_(bytes_per_s), stop_(stop) {}

  // Returns when `bytes` more may be read, or the program is to stop.
  void take(std::int64_t bytes) {
    if (rate_ == 0) return;
    Clock::time_point turn;
    {
      const std::lock_guard guard(mutex_);
      turn = std::max(next_, Clock::now());
      next_ = turn + std::chrono::nanoseconds(static_cast<std::int64_t>(
                         1e9 * static_cast<double>(bytes) / static_cast<double>(rate_)));
    }
    while (!stop_ && Clock::now() < turn) {
      std::this_thread::sleep_for(
          std::min<Clock::duration>(turn - Clock::now(), std::chrono::milliseconds(100)));
    }
  }

 private:
  using Clock = std::chrono::steady_clock;
  const std::int64_t rate_;
  const std::atomic<bool>& stop_;
  std::mutex mutex_;
  Clock::time_point next_;
};

}  // namespace mirror::hash
