#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/readable.h"
#include "rank/may_serve.h"
#include "tools/mb/context.h"
#include "tools/mb/watch/status.h"

namespace mirror::mb {
namespace {

constexpr std::size_t kNamesShown = 10;

std::string names_text(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kNamesShown); ++i)
    text += (text.empty() ? "" : ", ") + names[i];
  if (names.size() > kNamesShown) text += fmt::format(" and {} more", names.size() - kNamesShown);
  return text;
}

// Which list of the counts an enabled mirror stands in.
std::vector<std::string> MirrorCounts::*list_of(const Mirror& mirror) {
  switch (mirror.standing) {
    case Standing::stale:
      return &MirrorCounts::stale;
    case Standing::wrong:
      return &MirrorCounts::wrong;
    case Standing::returning:
      return &MirrorCounts::returning;
    case Standing::good:
      break;
  }
  if (serves_nobody(mirror) == RejectReason::down) return &MirrorCounts::down;
  return mirror.down.empty() ? &MirrorCounts::up : &MirrorCounts::partly;
}

void add(std::vector<Problem>& problems, Level level, std::string text) {
  if (level != Level::ok) problems.push_back({level, std::move(text)});
}

// Limits of a number of mirrors, of which there are `all`.
Level of_count(const Limits& limits, std::size_t bad, std::size_t all) {
  if (bad == 0) return Level::ok;
  const double count = static_cast<double>(bad);
  const double share = 100 * count / static_cast<double>(std::max<std::size_t>(all, 1));
  if (limits.critical && (limits.critical_is_share ? share : count) >= *limits.critical)
    return Level::critical;
  if (limits.warning && (limits.warning_is_share ? share : count) >= *limits.warning)
    return Level::warning;
  return Level::ok;
}

void judge_mirrors(const MirrorCounts& counts, const Thresholds& limits,
                   std::vector<Problem>& problems) {
  const std::size_t all = counts.enabled();
  const std::pair<const char*, const std::vector<std::string>*> lists[] = {
      {"down", &counts.down},
      {"wrong", &counts.wrong},
      {"stale", &counts.stale},
      {"returning", &counts.returning},
      {"partly down", &counts.partly}};
  std::size_t bad = 0;
  for (const auto& [word, names] : lists) bad += names->size();
  const Level level = of_count(limits.mirrors, bad, all);
  for (const auto& [word, names] : lists) {
    if (!names->empty())
      add(problems, level,
          fmt::format("{} of {} {}: {}", names->size(), all, word, names_text(*names)));
  }
  if (counts.serving == 0 && all + counts.disabled.size() > 0)
    problems.push_back({Level::critical, "no mirror gets clients"});
  std::vector<std::string> scans = counts.failing;
  scans.insert(scans.end(), counts.overdue.begin(), counts.overdue.end());
  const Level scan_level = of_count(limits.scans, scans.size(), all);
  if (!counts.failing.empty())
    add(problems, scan_level, "scans fail of " + names_text(counts.failing));
  if (!counts.overdue.empty())
    add(problems, scan_level, "scans are overdue of " + names_text(counts.overdue));
}

void judge_source(const InstanceState& state, const Thresholds& limits,
                  std::vector<Problem>& problems) {
  if (!state.has_source) return;
  const db::LastScan& source = state.overview.source;
  if (source.failed())
    add(problems, Level::warning, "the last scan of the source " + source.outcome);
  if (!source.good) return add(problems, Level::warning, "the source was never scanned");
  add(problems, limits.source_age_s.of(static_cast<double>(*source.good)),
      fmt::format("the last good scan of the source is {} old", age_text(*source.good)));
}

void judge_redirectors(const InstanceState& state, const Thresholds& limits,
                       std::vector<Problem>& problems) {
  for (const db::Redirector& one : state.redirectors) {
    const std::int64_t behind_s = std::max(one.lag_s, one.silent_s);
    add(problems, limits.feed_lag_s.of(static_cast<double>(behind_s)),
        one.lag_s >= one.silent_s
            ? fmt::format("redirector {} is {} behind", one.host, age_text(one.lag_s))
            : fmt::format("redirector {} is silent for {}", one.host, age_text(one.silent_s)));
  }
}

void judge_queue(const InstanceState& state, const Thresholds& limits,
                 std::vector<Problem>& problems) {
  if (state.workers.empty()) return;
  const QueueLag lag = queue_lag(state);
  add(problems, limits.queue_lag_s.of(static_cast<double>(lag.longest_s)),
      fmt::format("{} waiting for a worker, the longest for {}",
                  lag.waiting == 1 ? "1 scan is" : fmt::format("{} scans are", lag.waiting),
                  age_text(lag.longest_s)));
}

void judge_disks(const InstanceState& state, const Thresholds& limits,
                 std::vector<Problem>& problems) {
  for (const Disk& disk : state.disks) {
    if (!disk.fault.empty()) {
      add(problems, Level::warning, fmt::format("{} {}: {}", disk.what, disk.path, disk.fault));
      continue;
    }
    const double percent = 100 * static_cast<double>(disk.free_bytes) /
                           static_cast<double>(std::max<std::int64_t>(disk.size_bytes, 1));
    add(problems, limits.disk_free_percent.of_rest(percent),
        fmt::format("{:.1f} % free on the disk of the {} ({})", percent, disk.what, disk.path));
  }
}

double number(const std::string& option, std::string_view text) {
  double value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size() || !(value >= 0 && value <= 1e9))
    throw UsageError(fmt::format("{}: '{}' is not a number", option, text));
  return value;
}

}  // namespace

double parse_age(const std::string& option, std::string_view text) {
  static constexpr std::pair<char, double> kUnits[] = {
      {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
  for (const auto& [unit, seconds] : kUnits) {
    if (text.ends_with(unit)) return seconds * number(option, text.substr(0, text.size() - 1));
  }
  throw UsageError(fmt::format("{}: '{}' is not an age like 30s, 10m, 24h or 3d", option, text));
}

namespace {

template <typename Parse>
Limits parse_limits(const std::string& option, std::string_view text, const Parse& parse) {
  const std::size_t comma = text.find(',');
  if (comma == text.npos)
    throw UsageError(fmt::format("{}: expected WARN,CRIT, not '{}'", option, text));
  Limits limits;
  const std::string_view warning = text.substr(0, comma), critical = text.substr(comma + 1);
  if (!warning.empty()) limits.warning = parse(option, warning);
  if (!critical.empty()) limits.critical = parse(option, critical);
  return limits;
}

double percent(const std::string& option, std::string_view text) {
  if (text.ends_with('%')) text.remove_suffix(1);
  return number(option, text);
}

}  // namespace

std::string_view level_name(Level level) {
  static constexpr std::string_view kNames[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
  return kNames[static_cast<std::size_t>(level)];
}

Level worse(Level a, Level b) {
  static constexpr int kWeight[] = {0, 1, 3, 2};
  return kWeight[static_cast<std::size_t>(a)] >= kWeight[static_cast<std::size_t>(b)] ? a : b;
}

Level Limits::of(double value) const {
  if (critical && value >= *critical) return Level::critical;
  return warning && value >= *warning ? Level::warning : Level::ok;
}

Level Limits::of_rest(double value) const {
  if (critical && value <= *critical) return Level::critical;
  return warning && value <= *warning ? Level::warning : Level::ok;
}

Limits parse_counts(const std::string& option, const std::string& text) {
  Limits limits = parse_limits(option, text, percent);
  limits.warning_is_share = text.substr(0, text.find(',')).ends_with('%');
  limits.critical_is_share = text.ends_with('%');
  return limits;
}
Limits parse_percents(const std::string& option, const std::string& text) {
  return parse_limits(option, text, percent);
}
Limits parse_ages(const std::string& option, const std::string& text) {
  return parse_limits(option, text, parse_age);
}

std::size_t MirrorCounts::enabled() const {
  return up.size() + partly.size() + down.size() + stale.size() + wrong.size() + returning.size();
}

MirrorCounts count_mirrors(const InstanceState& state, const Thresholds& limits) {
  MirrorCounts counts;
  for (const db::MirrorRecord& record : state.mirrors) {
    const Mirror& mirror = record.mirror;
    if (!serves_nobody(mirror)) ++counts.serving;
    if (!mirror.enabled || !mirror.online) {
      counts.disabled.push_back(mirror.identifier);
      continue;
    }
    (counts.*list_of(mirror)).push_back(mirror.identifier);
    const auto scan = state.overview.scans.find(mirror.id);
    if (scan != state.overview.scans.end() && scan->second.failed())
      counts.failing.push_back(mirror.identifier);
    else if (scan == state.overview.scans.end() || !scan->second.good ||
             static_cast<double>(*scan->second.good) > limits.scan_age_s)
      counts.overdue.push_back(mirror.identifier);
  }
  return counts;
}

QueueLag queue_lag(const InstanceState& state) {
  QueueLag lag;
  for (const db::QueuedScan& scan : state.queue) {
    if (scan.due_in_s > 0 || scan.held || scan.waits_for_hour) continue;
    ++lag.waiting;
    lag.longest_s = std::max(lag.longest_s, -scan.due_in_s);
  }
  return lag;
}

Level Judged::level() const {
  Level level = Level::ok;
  for (const Problem& problem : problems) level = worse(level, problem.level);
  return level;
}

Judged judge(const InstanceState& state, const Thresholds& limits) {
  Judged judged;
  judged.state = &state;
  if (state.fault.empty()) {
    judged.counts = count_mirrors(state, limits);
    if (state.pause)
      add(judged.problems, Level::warning, "redirects are paused " + state.pause->text());
    if (state.overview.read_only)
      add(judged.problems, Level::critical,
          "the database is read-only: no scan, check or change can be stored");
    judge_mirrors(judged.counts, limits, judged.problems);
    judge_source(state, limits, judged.problems);
    judge_queue(state, limits, judged.problems);
    judge_redirectors(state, limits, judged.problems);
    if (const auto age = state.overview.probed_age_s)
      add(judged.problems, limits.probe_age_s.of(static_cast<double>(*age)),
          fmt::format("mb-probe checked nothing for {}", age_text(*age)));
  } else {
    add(judged.problems, state.fault_level, state.fault);
  }
  judge_disks(state, limits, judged.problems);
  std::stable_sort(judged.problems.begin(), judged.problems.end(),
                   [](const Problem& a, const Problem& b) {
                     return a.level != b.level && worse(a.level, b.level) == a.level;
                   });
  return judged;
}

}  // namespace mirror::mb
