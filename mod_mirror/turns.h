// Threads of one process take turns, in the order in which they came.
#pragma once

#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>

namespace mirror::httpd {

class Turns {
 public:
  using Clock = std::chrono::steady_clock;

  // In line from the constructor to the destructor, which lets the next thread on.
  class Turn {
   public:
    // Waits until this thread is the first one, at most until `deadline`.
    Turn(Turns& turns, Clock::time_point deadline) : turns_(turns) {
      std::unique_lock lock(turns_.mutex_);
      turns_.line_.push_back(this);
      has_come_ =
          turns_.moved_.wait_until(lock, deadline, [this] { return turns_.line_.front() == this; });
    }
    ~Turn() {
      const std::lock_guard lock(turns_.mutex_);
      turns_.line_.remove(this);
      turns_.moved_.notify_all();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    bool has_come() const { return has_come_; }

   private:
    Turns& turns_;
    bool has_come_ = false;
  };

 private:
  std::mutex mutex_;  // of what follows
  std::condition_variable moved_;
  std::list<const Turn*> line_;
};

}  // namespace mirror::httpd
