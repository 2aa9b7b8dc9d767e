// The background threads of a child. Each has one task and works in steps. Signals are blocked in
// it, because httpd handles them, except those of a crash. It is started after the fork. When the
// child ends, it joins the thread, or leaves it running if it does not end in time.
#pragma once

#include <pthread.h>
#include <semaphore.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "catalog/crashes.h"

namespace mirror::httpd {

// Wakes a background thread early. A semaphore, because it may be posted in a signal handler (see
// StepThread::join_by).
class Alarm {
 public:
  Alarm() { sem_init(&semaphore_, 0, 0); }
  ~Alarm() { sem_destroy(&semaphore_); }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  void ring() noexcept { sem_post(&semaphore_); }
  // Returns at once for what rang before.
  void wait_for(std::chrono::steady_clock::duration pause) noexcept {
    const auto until = (std::chrono::steady_clock::now() + pause).time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(until);
    const timespec at{seconds.count(),
                      static_cast<long>(std::chrono::nanoseconds(until - seconds).count())};
    while (sem_clockwait(&semaphore_, CLOCK_MONOTONIC, &at) != 0 && errno == EINTR) {
    }
    while (sem_trywait(&semaphore_) == 0) {
    }
  }

 private:
  sem_t semaphore_;
};

// A thread that takes steps until it is told to stop, with a pause after each.
class StepThread {
 public:
  using Duration = std::chrono::steady_clock::duration;

  // `step` returns the pause before the next step; `last` is called at the end. Neither may throw.
  // Returns false if no thread can be started; then stopping() is true, so that nobody waits.
  template <class Step, class Last>
  bool start(Step step, Last last) {
    try {
      run([this, step = std::move(step), last = std::move(last)] {
        while (!stopping_) {
          const Duration pause = step();
          if (!stopping_) alarm_.wait_for(pause);
        }
        last();
      });
    } catch (const std::system_error&) {
      stopping_ = true;
    }
    return !stopping_;
  }

  // The next step is taken now.
  void wake() noexcept { alarm_.ring(); }
  void ask_to_stop() noexcept {
    stopping_ = true;
    alarm_.ring();
  }
  const std::atomic<bool>& stopping() const { return stopping_; }

  // False when the steps have not ended by then: they go on, and all that it uses must stay. Takes
  // no lock: prefork children end from a signal handler, which may have interrupted a holder of any
  // lock.
  bool join_by(std::chrono::steady_clock::time_point deadline) noexcept {
    if (!thread_.joinable()) return true;
    while (!done_->load() && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    const bool ended = done_->load();
    if (ended) {
      thread_.join();
    } else {
      thread_.detach();
    }
    return ended;
  }

 private:
  template <class Body>
  void run(Body body) {
    sigset_t all, before;
    sigfillset(&all);
    for (const int crash : catalog::kFatalSignals)
      sigdelset(&all, crash);  // blocked, they would pass by their handlers
    pthread_sigmask(SIG_SETMASK, &all, &before);
    auto restore = [&](void*) { pthread_sigmask(SIG_SETMASK, &before, nullptr); };
    const std::unique_ptr<void, decltype(restore)> guard(this, restore);
    thread_ = std::thread([done = done_, body = std::move(body)]() noexcept {
      body();
      done->store(true);
    });
  }

  std::atomic<bool> stopping_{false};
  Alarm alarm_;
  std::shared_ptr<std::atomic<bool>> done_ = std::make_shared<std::atomic<bool>>(false);
  std::thread thread_;
};

}  // namespace mirror::httpd
