#include "scanner/scan/batch.h"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "db/session.h"
#include "os/stop_signal.h"
#include "pg/connection.h"
#include "scanner/scan/scan.h"
#include "scanner/scan/slots.h"
#include "tools/cli/guard.h"

namespace mirror::scanner {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kLookInterval(250);
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
        lent_(lent),
        slots_(options.instance.jobs, options.instance.slow_after_s) {}

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
  struct Turn {
    const Task* task = nullptr;  // nullptr: there is none
    Slots::Slot* slot = nullptr;
  };

  // A slow mirror does not delay the scans of others: a slow scan goes on, but another scan may
  // begin beside it. Needs the mutex.
  void start_workers() {
    for (Turn turn = next_turn(); turn.task != nullptr; turn = next_turn()) {
      workers_.emplace_back([this, turn, first = workers_.empty()] {
        Lent own;
        work(turn, first ? lent_ : own);
      });
    }
  }

  // With the mutex.
  Turn next_turn() {
    if (next_ == tasks_.size()) return {};
    Slots::Slot* const slot = slots_.take(tasks_[next_].name);
    return slot == nullptr ? Turn{} : Turn{&tasks_[next_++], slot};
  }

  void work(Turn turn, Lent& connection) {
    do {
      ScanResult result;
      try {
        result = scan(*turn.task, connection, {stop_.fd(), &turn.slot->entries});
      } catch (const std::exception& error) {
        result.error = error.what();
      }
      result.name = turn.task->name;
      result.is_source = turn.task->is_source;
      reporter_.result(result);
      const std::lock_guard guard(mutex_);
      count(result);
      slots_.give_back(*turn.slot);
      turn = next_turn();
      done_.notify_all();
    } while (turn.task != nullptr);
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

  void show_progress(std::unique_lock<std::mutex>& guard) {
    const std::size_t done = finished();
    guard.unlock();
    reporter_.progress(slots_.running(), done, tasks_.size());
    guard.lock();
  }

  std::size_t finished() const { return static_cast<std::size_t>(totals_.worked + totals_.failed); }

  const std::vector<Task> tasks_;
  const ScanOptions& options_;
  Reporter& reporter_;
  const StopSignal& stop_;
  Lent& lent_;
  std::mutex mutex_;  // guards next_ and totals_
  std::condition_variable done_;
  std::size_t next_ = 0;
  Totals totals_;
  Slots slots_;
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
