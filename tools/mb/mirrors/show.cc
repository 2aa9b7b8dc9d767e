// mb show: all that is known of one mirror.
#include <fmt/core.h>

#include <ctime>

#include "core/path.h"
#include "db/files.h"
#include "db/mirror/health.h"
#include "db/mirror/stamps.h"
#include "db/mirror/time_keeping.h"
#include "tools/mb/commands.h"
#include "tools/mb/mirrors/record.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

struct Wanted {
  std::string identifier;
  bool json = false;
};

constexpr int kRunsShown = 5;

std::int64_t files_of(db::Connection& connection, MirrorId id) {
  const auto counts = db::file_counts(connection);
  const auto count = counts.find(id);
  return count == counts.end() ? 0 : count->second;
}

std::string keeps_times_text(const db::MirrorRecord& record) {
  static constexpr const char* kTexts[] = {"undecided", "yes", "no"};
  const char* keeps = kTexts[static_cast<int>(db::keeping_of(record.keeps_times_share))];
  std::string text = keeps;
  if (record.keeps_times_share)
    text += fmt::format(" ({:.1f} % of its files)", 100 * *record.keeps_times_share);
  if (record.time_offset_s != 0)
    text += fmt::format(", {:+g} h off", record.time_offset_s / 3600.0);
  return text;
}

nlohmann::json runs_json(const std::vector<db::ScanRun>& runs) {
  auto list = nlohmann::json::array();
  for (const db::ScanRun& run : runs) {
    list.push_back({{"started", rfc3339(run.started_s)},
                    {"ended", time_json(run.ended_s)},
                    {"method", run.method},
                    {"outcome", run.outcome},
                    {"error", run.error},
                    {"seen", run.seen},
                    {"gained", run.gained},
                    {"lost", run.lost}});
  }
  return list;
}

void say_runs(const std::vector<db::ScanRun>& runs) {
  if (runs.empty()) return;
  say("scans");
  Table table({{"STARTED"},
               {"METHOD"},
               {"OUTCOME"},
               {"SEEN", Align::right},
               {"GAINED", Align::right},
               {"LOST", Align::right},
               {"ERROR"}},
              "  ");
  for (const db::ScanRun& run : runs) {
    table.add({utc_minute(run.started_s), run.method, run.outcome, grouped(run.seen),
               grouped(run.gained), grouped(run.lost), run.error});
  }
  table.say();
}

constexpr std::int64_t kSecondsPerDay = 86400;
constexpr int kDays[] = {1, 7, 30};

// All that is known of the ways to a mirror, with how many percent of the last days each was up.
struct Watched {
  MirrorId mirror = 0;
  std::vector<db::WayHealth> ways;
  std::vector<db::Event> events;
  std::int64_t now_s = std::time(nullptr);

  double share(const db::WayHealth& way, int days) const {
    return db::availability(mirror, way, events, now_s - days * kSecondsPerDay, now_s);
  }
};

Watched watched(db::Connection& connection, const Mirror& mirror) {
  Watched all;
  all.mirror = mirror.id;
  all.ways = db::read_health(connection, mirror.id);
  if (!all.ways.empty())
    all.events =
        db::read_events(connection, mirror.identifier, all.now_s - kDays[2] * kSecondsPerDay);
  return all;
}

nlohmann::json health_json(const Watched& all) {
  auto list = nlohmann::json::array();
  for (const db::WayHealth& way : all.ways) {
    nlohmann::json availability;
    for (const int days : kDays) availability[std::to_string(days)] = all.share(way, days);
    list.push_back(
        {{"way", way.way.text()},
         {"state", way.state},
         {"since", rfc3339(way.since_s)},
         {"checked", time_json(way.checked_s)},
         {"reason", way.reason},
         {"latency_ms", way.latency_ms ? nlohmann::json(*way.latency_ms) : nlohmann::json()},
         {"certificate_end", time_json(way.certificate_end_s)},
         {"final_host", way.final_host.empty() ? nlohmann::json() : nlohmann::json(way.final_host)},
         {"availability", availability}});
  }
  return list;
}

void say_health(const Watched& all) {
  if (all.ways.empty()) return;
  say("health");
  Table table({{"WAY"},
               {"STATE"},
               {"SINCE"},
               {"CHECKED"},
               {"MS", Align::right},
               {"1 DAY", Align::right},
               {"7 DAYS", Align::right},
               {"30 DAYS", Align::right},
               {"CERTIFICATE ENDS"},
               {"REASON"}},
              "  ");
  for (const db::WayHealth& way : all.ways) {
    std::vector<std::string> cells = {way.way.text(), way.state, utc_minute(way.since_s),
                                      way.checked_s ? utc_minute(*way.checked_s) : "never",
                                      way.latency_ms ? std::to_string(*way.latency_ms) : ""};
    for (const int days : kDays)
      cells.push_back(fmt::format("{:.1f} %", 100 * all.share(way, days)));
    cells.push_back(way.certificate_end_s ? utc_minute(*way.certificate_end_s) : "");
    cells.push_back(way.reason.empty() && !way.final_host.empty() ? "redirects to " + way.final_host
                                                                  : way.reason);
    table.add(std::move(cells));
  }
  table.say();
}

std::string standing_text(const db::MirrorRecord& record) {
  const Mirror& mirror = record.mirror;
  std::string text(standing_name(mirror.standing));
  if (mirror.standing == Standing::good) return text;
  if (record.standing_since_s) text += " since " + utc_minute(*record.standing_since_s);
  return mirror.standing_reason.empty() ? text : text + ": " + mirror.standing_reason;
}

std::string stamp_text(const std::optional<db::MirrorStamp>& stamp) {
  if (!stamp) return "";
  return fmt::format("{}, read at {} ({})",
                     stamp->at_s ? utc_minute(*stamp->at_s) : "cannot be used: " + stamp->fault,
                     utc_minute(stamp->asked_s), printable(stamp->path));
}

nlohmann::json stamp_json(const std::optional<db::MirrorStamp>& stamp) {
  if (!stamp) return nullptr;
  return {{"path", printable(stamp->path)},
          {"asked", rfc3339(stamp->asked_s)},
          {"says", time_json(stamp->at_s)},
          {"fault", stamp->fault.empty() ? nlohmann::json() : nlohmann::json(stamp->fault)}};
}

int run(Context& context, const Wanted& wanted) {
  const db::MirrorRecord record = require_mirror(context, wanted.identifier);
  const Mirror& mirror = record.mirror;
  const std::int64_t files = files_of(context.database(), mirror.id);
  const std::vector<db::ScanRun> runs = db::last_scans(context.database(), mirror.id, kRunsShown);
  const Watched health = watched(context.database(), mirror);
  const std::optional<db::MirrorStamp> stamp = db::find_stamp(context.database(), mirror.id);
  const std::vector<db::Comment> comments = db::read_comments(context.database(), mirror.id);
  if (wanted.json) {
    nlohmann::json json = to_json(record);
    json["comments"] = comments_json(comments);
    json["files"] = files;
    json["standing_since"] = time_json(record.standing_since_s);
    json["stamp"] = stamp_json(stamp);
    json["health"] = health_json(health);
    json["scans"] = runs_json(runs);
    say_json(json);
    return kSuccess;
  }
  Table table({{""}, {"", Align::left, true}});
  table.add({"identifier", mirror.identifier});
  table.add({"state", state_text(mirror)});
  table.add({"standing", standing_text(record)});
  table.add({"files", grouped(files)});
  for (const db::MirrorColumn& column : db::mirror_columns())
    table.add({column.name, db::column_text(record, column)});
  table.add({"serves_first", served_first(mirror, ", ")});
  table.add({"keeps_times", keeps_times_text(record)});
  table.add({"stamp", stamp_text(stamp)});
  table.add({"last_scan", record.last_scan_s ? utc_minute(*record.last_scan_s) : "never"});
  table.add({"id", std::to_string(mirror.id)});
  table.say();
  say_health(health);
  say_runs(runs);
  if (!comments.empty()) {
    say("comments");
    say_comments(comments, "  ");
  }
  return kSuccess;
}

}  // namespace

Action setup_show(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  app.add_option("identifier", wanted->identifier, "The mirror")->required()->type_name("IDENT");
  app.add_flag("--json", wanted->json, "As JSON");
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
