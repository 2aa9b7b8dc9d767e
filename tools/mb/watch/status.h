// What `mb status` knows of one instance, what it makes of that, and how it says it. Reading is in
// status.cc; judging (status_judge.cc) and the text (status_text.cc) are pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/pause.h"
#include "db/mirror/mirrors.h"
#include "db/redirectors.h"
#include "db/scan_queue.h"
#include "db/status.h"
#include "tools/cli/json.h"

namespace mirror::mb {

// As monitoring plugins end (Monitoring Plugins Development Guidelines, "Plugin Return Codes").
enum class Level : std::uint8_t { ok, warning, critical, unknown };
std::string_view level_name(Level level);  // "OK", "WARNING", …

// From which value on it is a warning, and critical; nullopt: never.
struct Limits {
  std::optional<double> warning, critical;
  bool warning_is_share = false, critical_is_share = false;  // percent of all, not a number
  Level of(double value) const;                              // the more, the worse
  Level of_rest(double value) const;                         // the less, the worse
};

// Seconds. Throws UsageError.
double parse_age(const std::string& option, std::string_view text);  // 30s, 10m, 24h, 3d
// WARN,CRIT as the options take them; each part may be empty. Throws UsageError.
Limits parse_counts(const std::string& option, const std::string& text);  // N, or N%
Limits parse_percents(const std::string& option, const std::string& text);
Limits parse_ages(const std::string& option, const std::string& text);

struct Thresholds {
  Limits mirrors;         // how many enabled mirrors get no clients, or are partly down
  Limits scans;           // how many enabled mirrors' scans fail or are overdue
  double scan_age_s = 0;  // overdue: no good scan for so long
  Limits source_age_s, feed_lag_s, probe_age_s;
  Limits queue_lag_s;  // for how long a scan that is due waits for a worker
  Limits disk_free_percent;
};

struct Disk {
  std::string what, path;  // "source", "catalog"
  std::int64_t free_bytes = 0, size_bytes = 0;
  std::string fault;  // why it cannot be looked at; "" when it was
};

// One instance as it was read.
struct InstanceState {
  std::string name;
  Level fault_level = Level::ok;
  std::string fault;  // why nothing is known but the disks; "" when all was read
  std::vector<db::MirrorRecord> mirrors;
  db::Overview overview;
  std::optional<Pause> pause;
  std::vector<db::Redirector> redirectors;
  std::vector<db::QueuedScan> queue;    // of mb-scan --work
  std::vector<db::ScanWorker> workers;  // none within a day: nobody works by the queue
  std::vector<Disk> disks;
  bool has_source = false;  // one is configured
};

// What is wrong, worst first where it is said.
struct Problem {
  Level level = Level::warning;
  std::string text;
};

struct MirrorCounts {
  std::vector<std::string> up, partly, down, stale, wrong, returning, disabled;
  std::vector<std::string> failing, overdue;  // scans, of enabled mirrors
  std::size_t serving = 0;                    // how many get clients
  std::size_t enabled() const;
};
MirrorCounts count_mirrors(const InstanceState&, const Thresholds&);

// The scans that are due and that no worker has begun.
struct QueueLag {
  std::size_t waiting = 0;
  std::int64_t longest_s = 0;
};
QueueLag queue_lag(const InstanceState&);

struct Judged {
  const InstanceState* state = nullptr;
  MirrorCounts counts;
  std::vector<Problem> problems;
  Level level() const;
};
Judged judge(const InstanceState&, const Thresholds&);
// Of several: critical before unknown before warning before ok.
Level worse(Level a, Level b);

// The first line is for a monitoring system, with its performance data; then one screen for people.
std::string status_text(const std::vector<Judged>& all, const Thresholds&);
nlohmann::json status_json(const std::vector<Judged>& all);
// When nothing can be judged, for a reason that no instance alone has; in the same form.
std::string unknown_text(const std::string& why);
nlohmann::json unknown_json(const std::string& why);

}  // namespace mirror::mb
