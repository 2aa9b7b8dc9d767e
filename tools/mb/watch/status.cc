// mb status: whether all is well, for people and for monitoring systems, whose plugins' form and
// exit status it has. It waits for nothing longer than --timeout.
#include "tools/mb/watch/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "db/pause.h"
#include "db/schema.h"
#include "db/session.h"
#include "tools/mb/commands.h"
#include "tools/mb/output.h"
#include "tools/mb/watch/status_disks.h"

namespace mirror::mb {
namespace {

struct Wanted {
  std::string mirrors = "1,50%", scans = "1,50%", scan_age = "3d", source_age = "1d,3d",
              feed_lag = "5m,30m", probe_age = "10m,1h", queue_lag = "1h,6h", disk = "10%,5%";
  double timeout_s = 8;
  bool all = false, json = false;
};

Thresholds thresholds(const Wanted& wanted) {
  Thresholds limits{};
  limits.mirrors = parse_counts("--mirrors", wanted.mirrors);
  limits.scans = parse_counts("--scans", wanted.scans);
  limits.scan_age_s = parse_ages("--scan-age", wanted.scan_age + ",").warning.value_or(1e18);
  limits.source_age_s = parse_ages("--source-age", wanted.source_age);
  limits.feed_lag_s = parse_ages("--feed-lag", wanted.feed_lag);
  limits.probe_age_s = parse_ages("--probe-age", wanted.probe_age);
  limits.queue_lag_s = parse_ages("--queue-lag", wanted.queue_lag);
  limits.disk_free_percent = parse_percents("--disk", wanted.disk);
  return limits;
}

using Deadline = std::chrono::steady_clock::time_point;

std::chrono::milliseconds left_until(Deadline deadline) {
  const auto now = std::chrono::steady_clock::now();
  return std::max(std::chrono::milliseconds(1),
                  std::chrono::ceil<std::chrono::milliseconds>(deadline - now));
}

void read_database(const Instance& instance, Deadline deadline, InstanceState& state) {
  const auto timeout = left_until(deadline);
  db::Connection connection = db::open_session(
      instance.database,
      {.program = "mb status", .connect_timeout = timeout, .lock_patience = timeout / 2});
  connection.set_deadline(deadline);
  db::require_schema(connection);
  state.mirrors = db::list_mirrors(connection);
  state.overview = db::read_overview(connection);
  state.pause = db::load_pause(connection);
  state.redirectors = db::read_redirectors(connection);
  state.queue =
      db::list_scan_queue(connection, {instance.scan_interval_hours, instance.scan_hours});
  state.workers = db::list_scan_workers(connection);
}

// A database that is down is critical: redirects go on from their catalogs, but no change reaches
// them. What this program cannot judge, as a schema of another version or rows that it may not
// read, is unknown.
InstanceState read_state(Context& context, const Wanted& wanted) {
  InstanceState state;
  try {
    const auto timeout =
        std::chrono::milliseconds(static_cast<std::int64_t>(1000 * wanted.timeout_s));
    const Deadline deadline = std::chrono::steady_clock::now() + timeout;
    const Instance& instance = context.instance();
    state.name = instance.name;
    state.has_source = !instance.source.empty();
    DiskLook disks(instance);
    try {
      read_database(instance, deadline, state);
    } catch (const db::ConnectionError& error) {
      state.fault_level = Level::critical;
      state.fault = error.what();
    } catch (const db::Error& error) {
      state.fault_level = Level::unknown;
      state.fault = error.what();
    }
    state.disks = disks.found(deadline);
  } catch (const std::exception& error) {
    state.fault_level = Level::unknown;
    state.fault = error.what();
  }
  return state;
}

std::vector<InstanceState> read_states(Context& context, const Wanted& wanted) {
  std::vector<InstanceState> states;
  if (!wanted.all) {
    states.push_back(read_state(context, wanted));
    return states;
  }
  for (const std::string& name : instance_names(context.config_file)) {
    Context one;
    one.config_file = context.config_file;
    one.instance_name = name;
    states.push_back(read_state(one, wanted));
    states.back().name = name;
  }
  if (states.empty()) throw UsageError("--all: the configuration has no instances");
  return states;
}

int run(Context& context, const Wanted& wanted) {
  const Thresholds limits = thresholds(wanted);
  const std::vector<InstanceState> states = read_states(context, wanted);
  std::vector<Judged> all;
  Level level = Level::ok;
  for (const InstanceState& state : states) {
    all.push_back(judge(state, limits));
    level = worse(level, all.back().level());
  }
  if (wanted.json)
    say_json(status_json(all));
  else
    say_painted(status_text(all, limits));
  return static_cast<int>(level);
}

int run_guarded(Context& context, const Wanted& wanted) {
  try {
    return run(context, wanted);
  } catch (const OutputError&) {
    throw;
  } catch (const std::exception& error) {
    if (wanted.json)
      say_json(unknown_json(error.what()));
    else
      say(unknown_text(error.what()));
    return kStatusUnknown;
  }
}

}  // namespace

Action setup_status(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  const auto limits = [&](const char* name, std::string& value, const std::string& help) {
    app.add_option(name, value, fmt::format("{} (default {})", help, value))
        ->type_name("WARN,CRIT")
        ->group("Limits, from which on it is a warning, and critical");
  };
  limits("--mirrors", wanted->mirrors, "Enabled mirrors that are not up: a number, percent");
  limits("--scans", wanted->scans, "Enabled mirrors whose scans fail or are overdue");
  limits("--source-age", wanted->source_age, "Age of the last good scan of the source");
  limits("--feed-lag", wanted->feed_lag, "How far a redirector is behind, or silent");
  limits("--probe-age", wanted->probe_age, "Time since mb-probe checked a mirror");
  limits("--queue-lag", wanted->queue_lag, "How long a scan that is due waits for a worker");
  limits("--disk", wanted->disk, "Free space of the source's and the catalog's disk");
  app.add_option("--scan-age", wanted->scan_age,
                 "A scan is overdue when the last good one is older (default 3d)")
      ->type_name("AGE");
  app.add_option("--timeout", wanted->timeout_s,
                 "Seconds to wait for an instance's database and disks (default 8)")
      ->between(0.1, 3600)
      ->type_name("SECONDS");
  app.add_flag("--all", wanted->all, "All instances of the configuration");
  app.add_flag("--json", wanted->json, "As JSON");
  app.footer(
      "Ages are like 30s, 10m, 24h, 3d; a part of WARN,CRIT may be empty.\nExit status: 0 all is "
      "well, 1 warnings, 2 critical (also: the database is down), 3 unknown.");
  return [&context, wanted] { return run_guarded(context, *wanted); };
}

}  // namespace mirror::mb
