// Measures merges on a tree of FILES files: t/with-postgres t/db/bench FILES. Not part of the
// suite: t/bench/scan runs it, and `make t/db/bench` builds it. Files that change lie scattered, so
// that nearly every page of the table and its indexes is touched.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "db/locks.h"
#include "t/db/database.h"

namespace mirror::db::test {
namespace {

// Paths as long as Debian's archive has them.
std::string path_of(int i) {
  const int package = i / 40;
  return fmt::format("pool/main/{}/package-{:06}/package-{:06}_1.0-{}_amd64.deb", package % 26,
                     package, package, i);
}

// CPU seconds of a process of this host; 0 where /proc does not tell.
double process_cpu_s(const std::string& pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const std::size_t name = text.rfind(')');
  if (name == std::string::npos) return 0;
  std::istringstream fields(text.substr(name + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

// Watches in pg_locks for how long `pid` holds the merge lock, and how much CPU time it spends
// meanwhile; both to within 20 ms.
class LockWatch {
 public:
  LockWatch(const TestDatabase& database, const std::string& pid)
      : connection_(database.connect()),
        pid_(pid),
        thread_([this](std::stop_token stop) { watch(stop); }) {}
  void finish() {
    thread_.request_stop();
    thread_.join();
  }
  double seconds = 0, cpu_s = 0;

 private:
  void watch(const std::stop_token& stop) {
    const std::string held = fmt::format(
        "SELECT FROM pg_locks WHERE relation = 'merge_lock'::regclass AND mode = 'ExclusiveLock' "
        "AND granted AND pid = {}",
        pid_);
    std::optional<Clock::time_point> since;
    double cpu_before = 0;
    for (bool last = false; !last; std::this_thread::sleep_for(std::chrono::milliseconds(10))) {
      last = stop.stop_requested();
      const bool now = !connection_.run(held).empty();
      if (now && !since) {
        since = Clock::now();
        cpu_before = process_cpu_s(pid_);
      } else if (now) {
        seconds = std::chrono::duration<double>(Clock::now() - *since).count();
        cpu_s = process_cpu_s(pid_) - cpu_before;
      }
    }
  }

  Connection connection_;
  std::string pid_;
  std::jthread thread_;
};

class Bench {
 public:
  explicit Bench(int count) : count_(count), connection_(database_.connect()) {
    for (const char* name : {"one", "two", "three"}) add_mirror(connection_, name);
  }
  void run();

 private:
  template <typename Scan>
  void measure(const char* what, const Scan& scan);
  // While another session holds the merge lock: what waits for it fails.
  template <typename Scan>
  void measure_locked_out(const char* what, const Scan& scan);
  MergeReport source(std::int64_t mtime, int changed = 0);
  MergeReport mirror(const char* name, int without, std::int64_t mtime = 1000);
  void sizes();
  void vacuum();

  const int count_;
  TestDatabase database_;
  Connection connection_;
};

template <typename Scan>
void Bench::measure(const char* what, const Scan& scan) {
  const std::string pid = value(connection_, "SELECT pg_backend_pid()");
  LockWatch lock(database_, pid);
  const auto start = Clock::now();
  const double cpu = process_cpu_s(pid);
  const MergeReport report = scan();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  lock.finish();
  fmt::print(
      "{:28} {:7.2f} s, server {:6.2f} s of CPU; lock {:.3f} s, seen {:.2f} s with {:.2f} s of "
      "CPU; gained {}, lost {}\n",
      what, seconds, process_cpu_s(pid) - cpu, report.lock_seconds, lock.seconds, lock.cpu_s,
      report.counts.gained, report.counts.lost);
  std::fflush(stdout);
}

template <typename Scan>
void Bench::measure_locked_out(const char* what, const Scan& scan) {
  Connection other = database_.connect();
  Transaction holder(other);
  other.script(kTakeMergeLock);
  connection_.script("SET lock_timeout = '1s'");
  measure(what, scan);
  connection_.script("RESET lock_timeout");
}

// Every `changed`th file with another time (0: none).
MergeReport Bench::source(std::int64_t mtime, int changed) {
  SourceScan listing(connection_, "local");
  for (int i = 0; i < count_; ++i) {
    listing.add(path_of(i), EntryKind::file, i, mtime + (changed != 0 && i % changed == 0 ? 1 : 0),
                false);
  }
  return listing.merge({.force = true});
}

// Every file but those whose number is 0 modulo `without` (0: all).
MergeReport Bench::mirror(const char* name, int without, std::int64_t mtime) {
  MirrorScan listing(connection_, find_mirror(connection_, name).value(), "rsync", "");
  for (int i = 0; i < count_; ++i) {
    if (without == 0 || i % without != 0) listing.add(path_of(i), i, mtime);
  }
  return listing.merge({}, {});
}

void Bench::sizes() {
  fmt::print("  bytes a file: {}\n",
             value(connection_,
                   "SELECT format('table %s, indexes %s', pg_table_size('file') / n, "
                   "pg_indexes_size('file') / n) FROM "
                   "(SELECT count(*) AS n FROM file) c"));
}

void Bench::vacuum() { connection_.script("VACUUM file"); }

void Bench::run() {
  measure("source, first", [&] { return source(1000); });
  sizes();
  vacuum();
  measure("mirror one, complete", [&] { return mirror("one", 0); });
  measure_locked_out("mirror one, unchanged", [&] { return mirror("one", 0); });
  measure("mirror two, lacks 1 %", [&] { return mirror("two", 100); });
  measure("source, 1 % changed", [&] { return source(1000, 101); });
  measure_locked_out("source, unchanged", [&] { return source(1000, 101); });
  vacuum();
  sizes();
  measure("source, every file changed", [&] { return source(5000); });
  sizes();
  fmt::print("{} cohorts; {}\n", value(connection_, "SELECT count(*) FROM cohort"),
             inconsistency(connection_));
}

}  // namespace
}  // namespace mirror::db::test

int main(int argc, char** argv) {
  mirror::db::test::Bench(argc > 1 ? std::atoi(argv[1]) : 63000).run();
}
