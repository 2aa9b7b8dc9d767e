#include "scanner/scan/work.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "core/path.h"
#include "db/scan_queue.h"
#include "db/schema.h"
#include "os/service_manager.h"
#include "scanner/scan/afterwards.h"
#include "scanner/scan/scan.h"
#include "scanner/scan/slots.h"
#include "tools/cli/guard.h"

namespace mirror::scanner {
namespace {

using Clock = std::chrono::steady_clock;
using Lent = std::optional<db::Connection>;
constexpr std::chrono::milliseconds kTick(500);
constexpr std::chrono::seconds kLookAgain(5);  // for what is due
constexpr std::chrono::seconds kSignOfLife(60), kAfterwards(300);
constexpr std::chrono::seconds kOfOthers(60);  // until a mirror is tried that somebody else scans

class Workers {
 public:
  Workers(const ScanOptions& options, Reporter& reporter, const StopSignal& stop)
      : options_(options),
        reporter_(reporter),
        stop_(stop),
        slots_(options.instance.jobs, options.instance.slow_after_s) {}

  Totals run() {
    const auto start = Clock::now();
    Lent connection;
    if (options_.once) db::require_schema(connection.emplace(connect(options_, stop_)));
    ServiceManager manager;
    {
      std::vector<std::jthread> threads;
      const EndsAll guard{ending_};
      at_work_ = slots_.most();
      for (std::size_t number = 0; number < slots_.most(); ++number)
        threads.emplace_back([this, number] { take_turns(number); });
      threads.emplace_back([this, &connection] { tend(connection); });  // it may wait for a merge
      manager.ready();
      for (; at_work_ > 0 && !stop_.asked(); stop_.wait(kTick)) manager.alive();
      manager.stopping();
    }
    leave(connection);
    totals_.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (fault_) {
      if (totals_.worked + totals_.failed > 0) reporter_.totals(totals_);
      std::rethrow_exception(fault_);
    }
    return totals_;
  }

 private:
  // Its threads end when it does.
  struct EndsAll {
    std::atomic<bool>& ending;
    ~EndsAll() { ending = true; }
  };

  bool ended() const { return ending_ || stop_.asked(); }

  void tend(Lent& connection) {
    for (; !ended(); stop_.wait(kTick)) {
      try {
        look_after(connection);
      } catch (const std::exception& error) {
        connection.reset();
        reporter_.warning(error.what());
      }
    }
  }

  // One of the threads; those above the number of jobs are of use beside slow scans alone.
  struct Thread {
    Lent connection;
    bool in_trouble = false;
  };

  void take_turns(std::size_t number) {
    Thread me;
    std::minstd_rand random(std::random_device{}());
    std::uniform_int_distribution<int> jitter_ms(0, 1000);
    while (!ended()) {
      Slots::Slot* const slot = number < slots_.of_use() ? slots_.take("a mirror") : nullptr;
      if (slot == nullptr) {
        if (nothing_due_) break;
        rest(me);
        stop_.wait(kTick);
        continue;
      }
      const bool did = take_one(me, *slot);
      slots_.give_back(*slot);
      if (did) continue;
      if (options_.once) nothing_due_ = true;
      if (nothing_due_) break;
      stop_.wait(kLookAgain + std::chrono::milliseconds(jitter_ms(random)));
    }
    --at_work_;
  }

  // It may be hours until this thread is of use again.
  void rest(Thread& me) {
    me.connection.reset();
    const std::lock_guard guard(mutex_);
    if (std::exchange(me.in_trouble, false)) --in_trouble_;
  }

  // Whether there was something to do.
  bool take_one(Thread& me, Slots::Slot& slot) {
    try {
      if (!me.connection || me.connection->broken()) {
        me.connection.emplace(connect(options_, stop_));
        db::require_schema(*me.connection);
      }
      const std::optional<db::ScanJob> job =
          db::take_scan_job(*me.connection, rhythm_of(options_.instance), options_.near);
      end_of_trouble(me);
      return job && scan(*me.connection, *job, slot);
    } catch (const db::Error& error) {
      me.connection.reset();
      if (options_.once) {
        const std::lock_guard guard(mutex_);
        fault_ = std::current_exception();
      } else if (!stop_.asked()) {
        in_trouble(me, cli::database_error(error.what()));
      }
    } catch (const std::exception& error) {  // as that there is no memory
      me.connection.reset();
      reporter_.warning(fmt::format("a scan was given up: {}", error.what()));
    }
    return false;
  }

  // Whether another job may be taken at once.
  bool scan(db::Connection& connection, const db::ScanJob& job, Slots::Slot& slot) {
    const std::optional<db::MirrorRecord> record = db::find_mirror(connection, job.mirror);
    if (!record || record->mirror.id != job.mirror_id) return true;  // it was just changed
    ScanOptions options = options_;
    options.subtree = job.subtree;
    const ScanResult result =
        scan_mirror(connection, *record, options, {stop_.fd(), &slot.entries});
    const bool ended = !connection.broken() || result.worked() || !result.plan_fault.empty();
    if (ended && result.outcome != ScanOutcome::locked) tell(result);
    if (connection.broken())
      throw db::Error(result.plan_fault.empty() ? result.error : result.plan_fault, "");
    if (stop_.asked() && !result.worked())
      db::put_back_scan_job(connection, job, std::chrono::seconds(0));
    else if (result.outcome == ScanOutcome::locked)
      db::put_back_scan_job(connection, job, kOfOthers);
    else
      db::end_scan_job(connection, job);
    return true;
  }

  void tell(const ScanResult& result) {
    reporter_.result(result);
    const std::lock_guard guard(mutex_);
    ++(result.worked() ? totals_.worked : totals_.failed);
    if (!result.of_no_use.empty()) ++totals_.useless;
  }

  void look_after(Lent& connection) {
    const auto now = Clock::now();
    if (now >= next_sign_of_life_) {
      next_sign_of_life_ = now + kSignOfLife;
      try {
        if (!connection || connection->broken()) connection.emplace(connect(options_, stop_));
        db::note_scan_worker(*connection, options_.near);
      } catch (const std::exception&) {
        connection.reset();  // the threads tell
      }
    }
    if (now >= next_afterwards_ && connection) {
      next_afterwards_ = now + kAfterwards;
      const int worked = [this] {
        const std::lock_guard guard(mutex_);
        return totals_.worked;
      }();
      if (worked > seen_worked_) after_scans(connection, options_, reporter_, stop_, true);
      seen_worked_ = worked;
    }
  }

  void leave(Lent& connection) {
    try {
      if (!connection || connection->broken()) return;
      db::forget_scan_worker(*connection);
      if (totals_.worked > seen_worked_)
        after_scans(connection, options_, reporter_, stop_, !stop_.asked());
    } catch (const db::Error&) {
      // The database forgets it after a day.
    }
  }

  // A database that cannot be used is told once, and again when all threads can use it.
  void in_trouble(Thread& me, const std::string& trouble) {
    const std::lock_guard guard(mutex_);
    if (!std::exchange(me.in_trouble, true)) ++in_trouble_;
    if (trouble == told_) return;
    told_ = trouble;
    reporter_.warning(trouble + "; trying again until it works");
  }
  void end_of_trouble(Thread& me) {
    const std::lock_guard guard(mutex_);
    if (!std::exchange(me.in_trouble, false) || --in_trouble_ > 0) return;
    if (told_.empty()) return;
    told_.clear();
    reporter_.warning("the database can be used again");
  }

  const ScanOptions& options_;
  Reporter& reporter_;
  const StopSignal& stop_;
  Slots slots_;
  std::atomic<std::size_t> at_work_{0};
  std::atomic<bool> ending_{false}, nothing_due_{false};
  std::mutex mutex_;  // guards the four below
  Totals totals_;
  int in_trouble_ = 0;  // threads that cannot use the database
  std::string told_;    // of that
  std::exception_ptr fault_;
  Clock::time_point next_sign_of_life_, next_afterwards_ = Clock::now() + kAfterwards;
  int seen_worked_ = 0;
};

}  // namespace

Totals work(const ScanOptions& options, Reporter& reporter, const StopSignal& stop) {
  return Workers(options, reporter, stop).run();
}

}  // namespace mirror::scanner
