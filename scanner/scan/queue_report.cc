#include "scanner/scan/queue_report.h"

#include <fmt/format.h>

#include "core/path.h"
#include "core/readable.h"
#include "core/text_table.h"
#include "db/schema.h"
#include "scanner/scan/afterwards.h"
#include "tools/cli/exit_status.h"
#include "tools/cli/json.h"

namespace mirror::scanner {
namespace {

constexpr std::int64_t kSilent_s = 180;  // a worker gives a sign of life each minute

using Json = nlohmann::ordered_json;

std::string state_text(const db::QueuedScan& scan) {
  std::string text;
  if (scan.held)
    text = "scanned now: " + scan.held->text();
  else if (scan.due_in_s <= 0)
    text = scan.waits_for_hour ? "waits for its hours" : "waits";
  const auto add = [&text](const std::string& more) { text += (text.empty() ? "" : ", ") + more; };
  if (scan.failures > 0) add(fmt::format("{} failed in a row", scan.failures));
  if (scan.broken_off == 1) add("was broken off");
  if (scan.broken_off > 1) add(fmt::format("was broken off {} times in a row", scan.broken_off));
  return text;
}

std::string due_text(std::int64_t due_in_s) {
  if (due_in_s == 0) return "now";
  return due_in_s > 0 ? "in " + age_text(due_in_s) : age_text(-due_in_s) + " ago";
}

std::string worker_text(const db::ScanWorker& worker) {
  return fmt::format(
      "worker: host {}, process {}{}{}\n", printable(worker.host), worker.process,
      worker.near.empty() ? "" : ", near " + printable(worker.near),
      worker.silent_s > kSilent_s ? ", silent for " + age_text(worker.silent_s) : "");
}

}  // namespace

std::string queue_text(const std::vector<db::QueuedScan>& queue,
                       const std::vector<db::ScanWorker>& workers) {
  TextTable table({{"due"}, {"mirror"}, {"folder"}, {"state"}});
  for (const db::QueuedScan& scan : queue)
    table.add({due_text(scan.due_in_s), scan.mirror, scan.subtree, state_text(scan)});
  std::string text = table.empty() ? "the queue is empty\n" : table.text();
  if (workers.empty()) text += "no worker is there: mb-scan --work starts one\n";
  for (const db::ScanWorker& worker : workers) text += worker_text(worker);
  return text;
}

std::string queue_json(const std::vector<db::QueuedScan>& queue,
                       const std::vector<db::ScanWorker>& workers) {
  Json scans = Json::array(), at_work = Json::array();
  for (const db::QueuedScan& scan : queue) {
    scans.push_back({{"mirror", scan.mirror},
                     {"folder", scan.subtree},
                     {"due_in_s", scan.due_in_s},
                     {"waits_for_hours", scan.waits_for_hour},
                     {"failures", scan.failures},
                     {"broken_off", scan.broken_off},
                     {"scanned_by", scan.held ? Json(scan.held->text()) : Json(nullptr)}});
  }
  for (const db::ScanWorker& worker : workers) {
    at_work.push_back({{"host", worker.host},
                       {"process", worker.process},
                       {"near", worker.near},
                       {"silent_s", worker.silent_s}});
  }
  return cli::json_text(Json{{"queue", scans}, {"workers", at_work}});
}

int show_queue(const ScanOptions& options, const StopSignal& stop) {
  db::Connection connection = connect(options, stop);
  db::require_schema(connection);
  const auto queue = db::list_scan_queue(connection, rhythm_of(options.instance));
  const auto workers = db::list_scan_workers(connection);
  fmt::print("{}", options.json ? queue_json(queue, workers) + "\n" : queue_text(queue, workers));
  return cli::kDone;
}

}  // namespace mirror::scanner
