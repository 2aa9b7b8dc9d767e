// mb-scan: lists the source and the mirrors into the database.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "core/nearest.h"
#include "core/path.h"
#include "db/mirror/mirrors.h"
#include "db/schema.h"
#include "os/service_manager.h"
#include "os/stop_signal.h"
#include "pg/connection.h"
#include "scanner/list/method.h"
#include "scanner/scan/afterwards.h"
#include "scanner/scan/batch.h"
#include "scanner/scan/discovery.h"
#include "scanner/scan/file_question.h"
#include "scanner/scan/mirror_test.h"
#include "scanner/scan/queue_report.h"
#include "scanner/scan/watch.h"
#include "scanner/scan/work.h"
#include "tools/cli/exit_status.h"
#include "tools/cli/guard.h"

namespace mirror::scanner {
namespace {

// The mirrors to scan; unknown names are reported and counted in `unknown`.
std::vector<db::MirrorRecord> chosen_mirrors(db::Connection& connection, const ScanOptions& options,
                                             Reporter& reporter, int& unknown) {
  db::require_schema(connection);
  std::vector<db::MirrorRecord> mirrors = db::list_mirrors(connection);
  if (options.all) {
    std::erase_if(mirrors, [](const db::MirrorRecord& record) { return !record.mirror.enabled; });
    return mirrors;
  }
  std::vector<std::string> known;
  for (const db::MirrorRecord& record : mirrors) known.push_back(record.mirror.identifier);
  for (const std::string& name : options.names) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    ++unknown;
    reporter.warning(fmt::format("mirror '{}': there is no such mirror{}", printable(name),
                                 did_you_mean(name, known)));
  }
  std::erase_if(mirrors, [&](const db::MirrorRecord& record) {
    return !std::binary_search(options.names.begin(), options.names.end(),
                               record.mirror.identifier);
  });
  return mirrors;
}

std::vector<db::MirrorRecord> all_mirrors(db::Connection& connection) {
  db::require_schema(connection);
  return db::list_mirrors(connection);
}

int exit_status(const Totals& totals) {
  if (totals.failed == 0) return totals.useless > 0 ? cli::kFailed : cli::kDone;
  return totals.worked > 0 ? cli::kFailed : cli::kAllFailed;
}

int run_source(const ScanOptions& options, const StopSignal& stop) {
  if (options.instance.source.empty()) {
    throw ConfigError(
        fmt::format("instance '{}' has no source: set source = \"/DIRECTORY\" or \"rsync://…\" in "
                    "the configuration file {}",
                    printable(options.instance.name), config_file_text(options.instance)));
  }
  Lent connection(connect(options, stop));
  db::require_schema(*connection);
  Reporter reporter(options.json, options.verbose, 0);
  if (!options.watch) return exit_status(scan_the_source(options, reporter, stop, connection));
  if (&method_of_source(options.instance.source) != &kLocalMethod)
    throw ConfigError("only a local source can be watched (--watch)");
  ServiceManager manager;
  manager.ready();
  return watch_source(options, reporter, stop, connection) ? cli::kDone : cli::kFailed;
}

int run_mirrors(const ScanOptions& options, const StopSignal& stop) {
  std::size_t name_width = 0;
  Totals totals;
  std::vector<db::MirrorRecord> mirrors;
  Lent connection(connect(options, stop));
  {
    Reporter early(options.json, options.verbose, 0);
    mirrors = chosen_mirrors(*connection, options, early, totals.failed);
    if (options.all && mirrors.empty()) early.warning("no mirror is enabled: nothing to scan");
  }
  for (const db::MirrorRecord& record : mirrors)
    name_width = std::max(name_width, record.mirror.identifier.size());
  Reporter reporter(options.json, options.verbose, name_width);
  const Totals scanned = scan_mirrors(mirrors, options, reporter, stop, connection);
  totals.worked += scanned.worked;
  totals.failed += scanned.failed;
  totals.useless += scanned.useless;
  totals.seconds = scanned.seconds;
  const bool lost = (!connection || connection->broken()) && totals.worked == 0;
  if (!lost) after_scans(connection, options, reporter, stop, scanned.worked > 0);
  if (options.json || totals.worked + totals.failed > 1) reporter.totals(totals);
  return exit_status(totals);
}

// Whether mirrors answer now; nothing is written.
int run_look(const ScanOptions& options, const StopSignal& stop) {
  Reporter reporter(options.json, options.verbose, 0);
  Lent connection(connect(options, stop));
  int unknown = 0;
  const bool everyone = !options.test && options.names.empty() && options.all;
  ScanOptions chosen = options;
  if (options.names.empty()) chosen.all = true;
  const std::vector<db::MirrorRecord> mirrors =
      everyone ? all_mirrors(*connection) : chosen_mirrors(*connection, chosen, reporter, unknown);
  if (mirrors.empty() && unknown == 0) reporter.warning("no mirror is enabled: nothing to ask");
  const int status = options.test ? test_mirrors(*connection, mirrors, options, stop)
                                  : ask_mirrors(*connection, mirrors, options, stop);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    reporter.warning("standard output cannot be written");
    return cli::kFailed;
  }
  return unknown > 0 ? cli::kFailed : status;
}

int run_work(const ScanOptions& options, const StopSignal& stop) {
  Reporter reporter(options.json, options.verbose, 0);
  const Totals totals = work(options, reporter, stop);
  if (!options.once) return cli::kDone;
  if (options.json || totals.worked + totals.failed > 1) reporter.totals(totals);
  return exit_status(totals);
}

int run(int argc, char** argv) {
  const std::variant<ScanOptions, int> parsed = parse_options(argc, argv);
  if (const int* const status = std::get_if<int>(&parsed)) return *status;
  const ScanOptions& options = std::get<ScanOptions>(parsed);
  const StopSignal stop;
  if (!options.discovered_url.empty()) return show_discovery(options, stop);
  if (options.test || !options.asked_path.empty()) return run_look(options, stop);
  if (options.queue) return show_queue(options, stop);
  if (options.work) return run_work(options, stop);
  return options.source ? run_source(options, stop) : run_mirrors(options, stop);
}

}  // namespace
}  // namespace mirror::scanner

int main(int argc, char** argv) {
  return mirror::cli::guarded("mb-scan", [&] { return mirror::scanner::run(argc, argv); });
}
