#include "scanner/scan/batch.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "db/session.h"
#include "os/stop_signal.h"
#include "pg/connection.h"
#include "scanner/scan/scan.h"

namespace mirror::scanner {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kProgressInterval(250);

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// One scan to be done: its name and what to run on a connection.
struct Task {
  std::string name;
  bool is_source = false;
  std::function<Result(db::Connection&, const Control&)> scan;
};

class Batch {
 public:
  Batch(std::vector<Task> tasks, const Options& options, Reporter& reporter, const StopSignal& stop,
        Lent& lent)
      : tasks_(std::move(tasks)),
        options_(options),
        reporter_(reporter),
        stop_(stop),
        lent_(lent) {}

  Totals run() {
    const auto start = Clock::now();
    const std::size_t jobs =
        std::min(tasks_.size(), static_cast<std::size_t>(std::max(options_.instance.jobs, 1)));
    slots_ = std::vector<Slot>(jobs);
    std::vector<std::jthread> threads;
    for (Slot& slot : slots_) {
      threads.emplace_back([this, &slot] {
        Lent own;
        work(slot, &slot == &slots_.front() ? lent_ : own);
      });
    }
    if (reporter_.wants_progress()) show_progress();
    for (std::jthread& thread : threads) thread.join();
    totals_.seconds = seconds_since(start);
    return totals_;
  }

 private:
  // What a thread is at; `entries` is written without the mutex.
  struct Slot {
    const Task* task = nullptr;
    Clock::time_point start;
    std::atomic<std::int64_t> entries{0};
  };

  void work(Slot& slot, Lent& connection) {
    for (const Task* task = take(slot); task != nullptr; task = take(slot)) {
      Result result;
      try {
        result = scan(*task, connection, {stop_.fd(), &slot.entries});
      } catch (const std::exception& error) {
        result.error = error.what();
      }
      result.name = task->name;
      result.is_source = task->is_source;
      reporter_.result(result);
      const std::lock_guard guard(mutex_);
      ++(result.worked() ? totals_.worked : totals_.failed);
      slot.task = nullptr;
      done_.notify_all();
    }
  }

  Result scan(const Task& task, Lent& connection, const Control& control) {
    Result result;
    if (control.stopped()) {
      result.error = "not scanned: interrupted";
      return result;
    }
    try {
      if (connection && connection->broken()) connection.reset();
      if (!connection)
        connection.emplace(
            db::open_merge_session(options_.instance.database, "mb-scan", stop_.asked()));
    } catch (const db::Error& error) {
      result.error = std::string("database: ") + error.what();
      return result;
    }
    return task.scan(*connection, control);
  }

  const Task* take(Slot& slot) {
    const std::lock_guard guard(mutex_);
    if (next_ == tasks_.size()) return nullptr;
    slot.start = Clock::now();
    slot.entries = 0;
    return slot.task = &tasks_[next_++];
  }

  void show_progress() {
    std::unique_lock guard(mutex_);
    while (finished() < tasks_.size()) {
      std::vector<Running> running;
      for (const Slot& slot : slots_) {
        if (slot.task != nullptr)
          running.push_back({slot.task->name, slot.entries, seconds_since(slot.start)});
      }
      const std::size_t done = finished();
      guard.unlock();
      reporter_.progress(running, done, tasks_.size());
      guard.lock();
      done_.wait_for(guard, kProgressInterval, [this] { return finished() == tasks_.size(); });
    }
  }

  std::size_t finished() const { return static_cast<std::size_t>(totals_.worked + totals_.failed); }

  const std::vector<Task> tasks_;
  const Options& options_;
  Reporter& reporter_;
  const StopSignal& stop_;
  Lent& lent_;
  std::mutex mutex_;  // guards next_, totals_ and the slots
  std::condition_variable done_;
  std::size_t next_ = 0;
  Totals totals_;
  std::vector<Slot> slots_;
};

}  // namespace

Totals scan_mirrors(const std::vector<db::MirrorRecord>& mirrors, const Options& options,
                    Reporter& reporter, const StopSignal& stop, Lent& connection) {
  std::vector<Task> tasks;
  for (const db::MirrorRecord& record : mirrors) {
    tasks.push_back(
        {record.mirror.identifier, false, [&](db::Connection& connection, const Control& control) {
           return scan_mirror(connection, record, options, control);
         }});
  }
  return Batch(std::move(tasks), options, reporter, stop, connection).run();
}

Totals scan_the_source(const Options& options, Reporter& reporter, const StopSignal& stop,
                       Lent& connection) {
  std::vector<Task> tasks;
  tasks.push_back(
      {options.instance.source, true, [&](db::Connection& connection, const Control& control) {
         return scan_source(connection, options, control);
       }});
  return Batch(std::move(tasks), options, reporter, stop, connection).run();
}

}  // namespace mirror::scanner
