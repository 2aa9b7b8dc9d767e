// Which scans run beside each other: `jobs` of them, and beside these the slow ones, so that slow
// mirrors do not delay the others. Any thread may call; the entries of a slot are counted by the
// thread that scans.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "scanner/scan/report.h"

namespace mirror::scanner {

class Slots {
  using Clock = std::chrono::steady_clock;

 public:
  // A scan with less than a thousand entries within slow_after_s is slow. At most four times `jobs`
  // scans run at once.
  Slots(int jobs, int slow_after_s);

  struct Slot {
    std::string name;  // "": it is free
    Clock::time_point start;
    std::atomic<std::int64_t> entries{0};
    Clock::time_point window;  // since when entries are counted,
    std::int64_t entries_at_window = 0;
    bool slow = false;
  };
  // One for a scan of this name, which is not empty; nullptr: there is none now. Stays where it is.
  Slot* take(const std::string& name);
  void give_back(Slot&);

  std::size_t most() const { return kMostForEach * jobs_; }
  std::size_t of_use();  // so many threads can scan now, or wait for something to scan
  std::vector<Running> running();

 private:
  static constexpr std::size_t kMostForEach = 4;  // job: the others are slow

  struct Count {
    std::size_t busy = 0, slow = 0;
  };
  Count count();  // these need the mutex
  void look_for_slowness(Slot&) const;

  const std::size_t jobs_;
  const int slow_after_s_;
  std::mutex mutex_;
  std::deque<Slot> slots_;  // a deque, so that none moves
};

}  // namespace mirror::scanner
