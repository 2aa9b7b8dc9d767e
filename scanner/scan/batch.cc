#include "scanner/scan/batch.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "db/session.h"
#include "os/stop_signal.h"
#include "pg/connection.h"
#include "scanner/scan/scan.h"
#include "tools/cli/guard.h"

namespace mirror::scanner {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kLookInterval(250);
constexpr std::int64_t kUsefulEntries = 1000;  // a scan with fewer in slow_after_s is slow
constexpr std::size_t kMostWorkers = 4;        // for each of the jobs: the others are slow

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// One scan to be done: its name and what to run on a connection.
struct Task {
  std::string name;
  bool is_source = false;
  std::function<ScanResult(db::Connection&, const Control&)> scan;
};

class Batch {
 public:
  Batch(std::vector<Task> tasks, const ScanOptions& options, Reporter& reporter,
        const StopSignal& stop, Lent& lent)
      : tasks_(std::move(tasks)),
        options_(options),
        reporter_(reporter),
        stop_(stop),
        lent_(lent) {}

  Totals run() {
    const auto start = Clock::now();
    {
      std::unique_lock guard(mutex_);
      while (finished() < tasks_.size()) {
        start_workers();
        if (reporter_.wants_progress()) show_progress(guard);
        done_.wait_for(guard, kLookInterval, [this] { return finished() == tasks_.size(); });
      }
    }
    for (std::jthread& worker : workers_) worker.join();
    totals_.seconds = seconds_since(start);
    return totals_;
  }

 private:
  // What a worker is at; `entries` is written without the mutex.
  struct Slot {
    const Task* task = nullptr;  // nullptr: the worker has ended
    Clock::time_point start;
    std::atomic<std::int64_t> entries{0};
    Clock::time_point window;  // since when entries are counted,
    std::int64_t entries_at_window = 0;
    bool slow = false;
  };

  // A slow mirror does not delay the scans of others: a slow scan goes on, but another scan may
  // begin beside it. Needs the mutex.
  void start_workers() {
    for (Slot& slot : slots_) look_for_slowness(slot);
    while (next_ < tasks_.size() && has_room() && busy() < kMostWorkers * jobs()) {
      Slot& slot = slots_.emplace_back();
      take(slot);
      workers_.emplace_back([this, &slot, first = slots_.size() == 1] {
        Lent own;
        work(slot, first ? lent_ : own);
      });
    }
  }

  void look_for_slowness(Slot& slot) const {
    if (slot.task == nullptr || slot.slow ||
        seconds_since(slot.window) < options_.instance.slow_after_s)
      return;
    const std::int64_t entries = slot.entries;
    slot.slow = entries - slot.entries_at_window < kUsefulEntries;
    slot.window = Clock::now();
    slot.entries_at_window = entries;
  }

  std::size_t jobs() const { return static_cast<std::size_t>(std::max(options_.instance.jobs, 1)); }
  std::size_t busy() const {
    return static_cast<std::size_t>(std::count_if(
        slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.task != nullptr; }));
  }
  bool has_room() const {
    const auto useful = std::count_if(slots_.begin(), slots_.end(), [](const Slot& slot) {
      return slot.task != nullptr && !slot.slow;
    });
    return static_cast<std::size_t>(useful) < jobs();
  }

  void work(Slot& slot, Lent& connection) {
    do {
      const Task& task = *slot.task;
      ScanResult result;
      try {
        result = scan(task, connection, {stop_.fd(), &slot.entries});
      } catch (const std::exception& error) {
        result.error = error.what();
      }
      result.name = task.name;
      result.is_source = task.is_source;
      reporter_.result(result);
      const std::lock_guard guard(mutex_);
      count(result);
      slot.task = nullptr;
      if (next_ < tasks_.size() && has_room()) take(slot);
      done_.notify_all();
    } while (slot.task != nullptr);
  }

  void count(const ScanResult& result) {
    ++(result.worked() ? totals_.worked : totals_.failed);
    if (!result.of_no_use.empty()) ++totals_.useless;
  }

  ScanResult scan(const Task& task, Lent& connection, const Control& control) {
    ScanResult result;
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
      result.error = cli::database_error(error.what());
      return result;
    }
    return task.scan(*connection, control);
  }

  // With the mutex.
  void take(Slot& slot) {
    slot.start = slot.window = Clock::now();
    slot.entries = slot.entries_at_window = 0;
    slot.slow = false;
    slot.task = &tasks_[next_++];
  }

  void show_progress(std::unique_lock<std::mutex>& guard) {
    std::vector<Running> running;
    for (const Slot& slot : slots_) {
      if (slot.task != nullptr)
        running.push_back({slot.task->name, slot.entries, seconds_since(slot.start)});
    }
    const std::size_t done = finished();
    guard.unlock();
    reporter_.progress(running, done, tasks_.size());
    guard.lock();
  }

  std::size_t finished() const { return static_cast<std::size_t>(totals_.worked + totals_.failed); }

  const std::vector<Task> tasks_;
  const ScanOptions& options_;
  Reporter& reporter_;
  const StopSignal& stop_;
  Lent& lent_;
  std::mutex mutex_;  // guards next_, totals_ and the slots
  std::condition_variable done_;
  std::size_t next_ = 0;
  Totals totals_;
  std::deque<Slot> slots_;  // one for each worker; a deque, so that none moves
  std::vector<std::jthread> workers_;
};

}  // namespace

Totals scan_mirrors(const std::vector<db::MirrorRecord>& mirrors, const ScanOptions& options,
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

Totals scan_the_source(const ScanOptions& options, Reporter& reporter, const StopSignal& stop,
                       Lent& connection) {
  std::vector<Task> tasks;
  tasks.push_back(
      {options.instance.source, true, [&](db::Connection& connection, const Control& control) {
         return scan_source(connection, options, control, stop);
       }});
  return Batch(std::move(tasks), options, reporter, stop, connection).run();
}

}  // namespace mirror::scanner
