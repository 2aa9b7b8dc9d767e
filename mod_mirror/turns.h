// Threads of one process take turns, in the order in which they came. Only some of them may wait
// for long, so that enough others stay free for what needs no turn.
#pragma once

#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>

namespace mirror::httpd {

class Turns {
 public:
  using Clock = std::chrono::steady_clock;
  struct Patience {
    Clock::duration usual{}, longest{};
    std::size_t most_longest = 0;  // of those that wait at a time
  };

  explicit Turns(Patience patience) : patience_(patience) {}

  // In line from the constructor to the destructor, which lets the next thread on.
  class Turn {
   public:
    // Waits until this thread is the first one, at most until deadline().
    explicit Turn(Turns& turns) : turns_(turns) {
      std::unique_lock lock(turns_.mutex_);
      const Patience& patience = turns_.patience_;
      const bool may_wait_longest = turns_.line_.size() < patience.most_longest;
      deadline_ = Clock::now() + (may_wait_longest ? patience.longest : patience.usual);
      turns_.line_.push_back(this);
      has_come_ = turns_.moved_.wait_until(lock, deadline_,
                                           [this] { return turns_.line_.front() == this; });
    }
    ~Turn() {
      const std::lock_guard lock(turns_.mutex_);
      turns_.line_.remove(this);
      turns_.moved_.notify_all();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    bool has_come() const { return has_come_; }
    Clock::time_point deadline() const { return deadline_; }

   private:
    Turns& turns_;
    Clock::time_point deadline_;
    bool has_come_ = false;
  };

 private:
  const Patience patience_;
  std::mutex mutex_;  // of what follows
  std::condition_variable moved_;
  std::list<const Turn*> line_;
};

}  // namespace mirror::httpd
