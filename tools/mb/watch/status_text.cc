#include <fmt/format.h>

#include <algorithm>

#include "core/readable.h"
#include "core/text_table.h"
#include "tools/cli/color.h"
#include "tools/mb/output.h"
#include "tools/mb/watch/status.h"

namespace mirror::mb {
namespace {

// '|' begins performance data wherever it stands in a plugin's output.
std::string without_bars(std::string text) {
  std::replace(text.begin(), text.end(), '|', '/');
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string limit_text(const std::optional<double>& limit) {
  return limit ? fmt::format("{:g}", *limit) : "";
}

class PerformanceData {
 public:
  explicit PerformanceData(std::string prefix) : prefix_(std::move(prefix)) {
    for (char& c : prefix_) c = c == '=' || c == '\'' || c == '|' ? '_' : c;
  }
  void add(const std::string& label, std::int64_t value, const char* unit = "",
           const Limits& limits = {}, bool less_is_worse = false) {
    std::string text = fmt::format("'{}{}'={}{}", prefix_, label, value, unit);
    const char* const range = less_is_worse ? ":" : "";  // N: alerts below N
    if (limits.warning || limits.critical) {
      text += fmt::format(";{}{};{}{}", limit_text(limits.warning), limits.warning ? range : "",
                          limit_text(limits.critical), limits.critical ? range : "");
    }
    text_ += (text_.empty() ? "" : " ") + text;
  }
  const std::string& text() const { return text_; }

 private:
  std::string prefix_, text_;
};

std::string performance_data(const Judged& judged, const Thresholds& limits, bool named) {
  const InstanceState& state = *judged.state;
  PerformanceData data(named ? state.name + "/" : "");
  const MirrorCounts& counts = judged.counts;
  if (state.fault.empty()) {
    const std::pair<const char*, const std::vector<std::string>*> lists[] = {
        {"up", &counts.up},
        {"partly_down", &counts.partly},
        {"down", &counts.down},
        {"stale", &counts.stale},
        {"wrong", &counts.wrong},
        {"returning", &counts.returning},
        {"disabled", &counts.disabled},
        {"scans_failing", &counts.failing},
        {"scans_overdue", &counts.overdue}};
    for (const auto& [label, names] : lists)
      data.add(label, static_cast<std::int64_t>(names->size()));
    if (state.overview.source.good)
      data.add("source_age", *state.overview.source.good, "s", limits.source_age_s);
    for (const db::Redirector& one : state.redirectors)
      data.add("feed_lag_" + one.host, one.lag_s, "s", limits.feed_lag_s);
    if (!state.workers.empty())
      data.add("queue_lag", queue_lag(state).longest_s, "s", limits.queue_lag_s);
    if (state.overview.probed_age_s)
      data.add("probe_age", *state.overview.probed_age_s, "s", limits.probe_age_s);
    data.add("database", state.overview.database_bytes, "B");
  }
  for (const Disk& disk : state.disks) {
    if (disk.fault.empty() && disk.size_bytes > 0)
      data.add("free_" + disk.what, 100 * disk.free_bytes / disk.size_bytes, "%",
               limits.disk_free_percent, true);
  }
  return data.text();
}

std::string first_line(const std::vector<Judged>& all, const Thresholds& limits) {
  Level level = Level::ok;
  std::string problems, data;
  const bool named = all.size() > 1;
  for (const Judged& judged : all) {
    level = worse(level, judged.level());
    std::string own;
    for (const Problem& problem : judged.problems) own += (own.empty() ? "" : "; ") + problem.text;
    if (!own.empty())
      problems += (problems.empty() ? "" : "; ") + (named ? judged.state->name + ": " : "") + own;
    const std::string own_data = performance_data(judged, limits, named);
    if (!own_data.empty()) data += (data.empty() ? "" : " ") + own_data;
  }
  std::size_t up = 0, enabled = 0;
  for (const Judged& judged : all) {
    up += judged.counts.up.size();
    enabled += judged.counts.enabled();
  }
  if (problems.empty()) problems = fmt::format("{} of {} up", up, enabled);
  return fmt::format("MIRRORS {} - {}\n", cli::painted(std::string(level_name(level))),
                     terminal_safe(without_bars(problems) + (data.empty() ? "" : " | " + data)));
}

std::string scan_text(const db::LastScan& scan) {
  const std::string good = scan.good ? age_text(*scan.good) + " ago" : "never";
  return scan.failed() ? fmt::format("{}; the last one {}: {}", good, scan.outcome, scan.error)
                       : good;
}

void add_mirrors(TextTable& table, const MirrorCounts& counts) {
  const std::pair<const char*, const std::vector<std::string>*> lists[] = {
      {"up", &counts.up},
      {"partly down", &counts.partly},
      {"down", &counts.down},
      {"stale", &counts.stale},
      {"wrong", &counts.wrong},
      {"returning", &counts.returning},
      {"disabled", &counts.disabled}};
  std::string text;
  for (const auto& [word, names] : lists) {
    if (!names->empty() || word == std::string_view("up"))
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", names->size(), word);
  }
  table.add({"mirrors", text});
}

// One screen, however many mirrors there are: those that are well are only counted.
constexpr std::size_t kRowsShown = 15;

void add_ill_mirrors(TextTable& table, const InstanceState& state) {
  std::size_t rows = 0, ill = 0;
  for (const db::MirrorRecord& record : state.mirrors) {
    const Mirror& mirror = record.mirror;
    const bool well = mirror.standing == Standing::good && mirror.down.empty();
    if (!mirror.enabled || !mirror.online || well) continue;
    if (++ill > kRowsShown) continue;
    ++rows;
    const std::string& why =
        mirror.standing == Standing::good ? mirror.down_reason : mirror.standing_reason;
    std::string ways;
    for (const std::string& way : mirror.down.texts()) ways += (ways.empty() ? "" : " ") + way;
    const std::string what = mirror.standing == Standing::good
                                 ? "down over " + ways
                                 : std::string(standing_name(mirror.standing));
    table.add({"  " + mirror.identifier, without_bars(why.empty() ? what : what + ": " + why)});
  }
  if (ill > rows) table.add({"", fmt::format("and {} more; see mb list --health", ill - rows)});
}

void add_scans(TextTable& table, const InstanceState& state, const MirrorCounts& counts) {
  std::size_t rows = 0;
  for (const db::MirrorRecord& record : state.mirrors) {
    const std::string& name = record.mirror.identifier;
    const auto is_name = [&](const std::string& other) { return other == name; };
    if (std::none_of(counts.failing.begin(), counts.failing.end(), is_name) &&
        std::none_of(counts.overdue.begin(), counts.overdue.end(), is_name))
      continue;
    if (++rows > kRowsShown) continue;
    const auto scan = state.overview.scans.find(record.mirror.id);
    table.add(
        {"  scan of " + name,
         without_bars(scan == state.overview.scans.end() ? "never" : scan_text(scan->second))});
  }
  if (rows > kRowsShown) table.add({"", fmt::format("and {} more", rows - kRowsShown)});
}

std::string queue_text(const InstanceState& state) {
  const QueueLag lag = queue_lag(state);
  std::string text =
      fmt::format("{} {}", state.workers.size(), state.workers.size() == 1 ? "worker" : "workers");
  if (lag.waiting == 0) return text + ", nothing waits";
  return fmt::format("{}, {} waiting, the longest for {}", text, lag.waiting,
                     age_text(lag.longest_s));
}

std::string screen(const Judged& judged, bool named) {
  const InstanceState& state = *judged.state;
  TextTable table({{""}, {"", Align::left, true}});
  if (named) table.add({"instance", state.name});
  if (state.fault.empty()) {
    add_mirrors(table, judged.counts);
    add_ill_mirrors(table, state);
    table.add({"scans", fmt::format("{} failing, {} overdue", judged.counts.failing.size(),
                                    judged.counts.overdue.size())});
    add_scans(table, state, judged.counts);
    if (!state.workers.empty()) table.add({"scan queue", queue_text(state)});
    if (state.has_source)
      table.add({"source", "last good scan " + without_bars(scan_text(state.overview.source))});
    table.add(
        {"prober", state.overview.probed_age_s
                       ? fmt::format("last check {} ago", age_text(*state.overview.probed_age_s))
                       : "has never checked a mirror"});
    for (const db::Redirector& one : state.redirectors) {
      table.add({"redirector " + one.host,
                 fmt::format("revision {}, {}, heard {} ago ({})", one.rev,
                             one.lag_s > 0 ? age_text(one.lag_s) + " behind" : "up to date",
                             age_text(one.silent_s), without_bars(one.catalog))});
    }
    table.add({"database", fmt::format("{}, {} files{}", bytes_text(state.overview.database_bytes),
                                       grouped(state.overview.files),
                                       state.overview.read_only ? ", read-only" : "")});
  } else {
    table.add({"database", without_bars(state.fault)});
  }
  for (const Disk& disk : state.disks) {
    table.add({"disk of the " + disk.what,
               without_bars(disk.fault.empty()
                                ? fmt::format("{} of {} free ({})", bytes_text(disk.free_bytes),
                                              bytes_text(disk.size_bytes), disk.path)
                                : disk.path + ": " + disk.fault)});
  }
  return table.text(0, cli::state_paint());
}

nlohmann::json instance_json(const Judged& judged) {
  using nlohmann::json;
  const InstanceState& state = *judged.state;
  json one = {{"name", state.name}, {"status", level_name(judged.level())}};
  one["problems"] = json::array();
  for (const Problem& problem : judged.problems)
    one["problems"].push_back({{"level", level_name(problem.level)}, {"text", problem.text}});
  one["disks"] = json::array();
  for (const Disk& disk : state.disks) {
    json row = {{"what", disk.what}, {"path", disk.path}};
    if (disk.fault.empty())
      row.update({{"free_bytes", disk.free_bytes}, {"size_bytes", disk.size_bytes}});
    else
      row["fault"] = disk.fault;
    one["disks"].push_back(row);
  }
  if (!state.fault.empty()) return one;
  const MirrorCounts& counts = judged.counts;
  one["paused"] =
      state.pause ? json{{"since", rfc3339(state.pause->since_s)}, {"reason", state.pause->reason}}
                  : json();
  one["mirrors"] = {{"up", counts.up},
                    {"partly_down", counts.partly},
                    {"down", counts.down},
                    {"stale", counts.stale},
                    {"wrong", counts.wrong},
                    {"returning", counts.returning},
                    {"disabled", counts.disabled}};
  one["scans"] = {{"failing", counts.failing}, {"overdue", counts.overdue}};
  const auto seconds = [](const std::optional<std::int64_t>& age) {
    return age ? json(*age) : json();
  };
  one["source"] = {{"outcome", state.overview.source.outcome},
                   {"error", state.overview.source.error},
                   {"age_s", seconds(state.overview.source.good)}};
  const QueueLag lag = queue_lag(state);
  one["scan_queue"] = {
      {"workers", state.workers.size()}, {"waiting", lag.waiting}, {"lag_s", lag.longest_s}};
  one["probe_age_s"] = seconds(state.overview.probed_age_s);
  one["database_bytes"] = state.overview.database_bytes;
  one["read_only"] = state.overview.read_only;
  one["files"] = state.overview.files;
  one["redirectors"] = json::array();
  for (const db::Redirector& redirector : state.redirectors) {
    one["redirectors"].push_back({{"host", redirector.host},
                                  {"catalog", redirector.catalog},
                                  {"rev", redirector.rev},
                                  {"lag_s", redirector.lag_s},
                                  {"silent_s", redirector.silent_s}});
  }
  return one;
}

}  // namespace

std::string status_text(const std::vector<Judged>& all, const Thresholds& limits) {
  std::string text = first_line(all, limits);
  for (const Judged& judged : all) text += screen(judged, all.size() > 1);
  return text;
}

std::string unknown_text(const std::string& why) {
  return fmt::format("MIRRORS {} - {}", level_name(Level::unknown), without_bars(why));
}

nlohmann::json unknown_json(const std::string& why) {
  return {{"status", level_name(Level::unknown)},
          {"code", static_cast<int>(Level::unknown)},
          {"error", why},
          {"instances", nlohmann::json::array()}};
}

nlohmann::json status_json(const std::vector<Judged>& all) {
  Level level = Level::ok;
  auto instances = nlohmann::json::array();
  for (const Judged& judged : all) {
    level = worse(level, judged.level());
    instances.push_back(instance_json(judged));
  }
  return {
      {"status", level_name(level)}, {"code", static_cast<int>(level)}, {"instances", instances}};
}

}  // namespace mirror::mb
