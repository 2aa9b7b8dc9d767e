// mb show: all that is known of one mirror.
#include <fmt/core.h>

#include "commands.h"
#include "db/files.h"
#include "output.h"
#include "record.h"

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

std::string served_first(const Mirror& mirror) {
  std::string text;
  for (const Prefix& prefix : mirror.prefixes) text += (text.empty() ? "" : ", ") + prefix.text();
  for (const AsNumber asn : mirror.served_as) text += (text.empty() ? "" : ", ") + as_text(asn);
  return text;
}

std::string keeps_times_text(const db::MirrorRecord& record) {
  const char* keeps = record.keeps_times ? "yes" : "no";
  return record.keeps_times_share
             ? fmt::format("{} ({:.1f} % of its files)", keeps, 100 * *record.keeps_times_share)
             : keeps;
}

nlohmann::json runs_json(const std::vector<db::ScanRun>& runs) {
  auto list = nlohmann::json::array();
  for (const db::ScanRun& run : runs) {
    list.push_back(
        {{"started", rfc3339(run.started_s)},
         {"ended", run.ended_s ? nlohmann::json(rfc3339(*run.ended_s)) : nlohmann::json()},
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

int run(Context& context, const Wanted& wanted) {
  const db::MirrorRecord record = require_mirror(context, wanted.identifier);
  const Mirror& mirror = record.mirror;
  const std::int64_t files = files_of(context.database(), mirror.id);
  const std::vector<db::ScanRun> runs = db::last_scans(context.database(), mirror.id, kRunsShown);
  if (wanted.json) {
    nlohmann::json json = to_json(record);
    json["files"] = files;
    json["scans"] = runs_json(runs);
    say_json(json);
    return kSuccess;
  }
  Table table(2);
  table.add({"identifier", mirror.identifier});
  table.add({"state", state_text(mirror)});
  table.add({"files", grouped(files)});
  for (const db::MirrorColumn& column : db::mirror_columns())
    table.add({column.name, db::column_text(record, column)});
  table.add({"serves_first", served_first(mirror)});
  table.add({"keeps_times", keeps_times_text(record)});
  table.add({"last_scan", record.last_scan_s ? utc_minute(*record.last_scan_s) : "never"});
  table.add({"id", std::to_string(mirror.id)});
  table.say();
  say_runs(runs);
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
