// mb-scan: lists the source and the mirrors into the database.
#include <fmt/format.h>

#include <algorithm>

#include "core/nearest.h"
#include "core/path.h"
#include "db/merge/scan.h"
#include "db/mirror/mirrors.h"
#include "db/mirror/stale.h"
#include "db/schema.h"
#include "db/session.h"
#include "os/service_manager.h"
#include "os/stop_signal.h"
#include "pg/connection.h"
#include "scanner/list/method.h"
#include "scanner/scan/batch.h"
#include "scanner/scan/watch.h"
#include "tools/cli/exit_status.h"
#include "tools/cli/guard.h"
#include "tools/cli/naming_config.h"

namespace mirror::scanner {
namespace {

constexpr std::int64_t kMaxJoinedFiles = 200'000;  // a fraction of a second under the merge lock

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

int exit_status(const Totals& totals) {
  if (totals.failed == 0) return totals.useless > 0 ? cli::kFailed : cli::kDone;
  return totals.worked > 0 ? cli::kFailed : cli::kAllFailed;
}

db::Connection connect(const ScanOptions& options, const StopSignal& stop) {
  return cli::naming_config(options.instance, [&] {
    return db::open_merge_session(options.instance.database, "mb-scan", stop.asked());
  });
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

// Whose last good scan is too old now, and whose is not any more.
void judge_ages(Lent& connection, const ScanOptions& options, Reporter& reporter,
                const StopSignal& stop) {
  try {
    if (!connection || connection->broken()) connection = connect(options, stop);
    const Instance& instance = options.instance;
    const db::StaleLimits limits{3600 * instance.max_scan_age_hours, 3600 * instance.max_age_hours};
    for (const db::StaleChange& change : db::judge_stale(*connection, limits))
      reporter.warning(fmt::format("mirror {}: {}", printable(change.mirror), change.words()));
  } catch (const db::Error& error) {
    reporter.warning(fmt::format("which mirrors are stale is not known: {}", error.what()));
  }
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
  if (scanned.worked > 0) {
    try {
      if (!connection || connection->broken()) connection = connect(options, stop);
      const std::int64_t moved = db::join_cohorts(*connection, kMaxJoinedFiles);
      if (moved > 0) reporter.detail(fmt::format("joined equal cohorts, moving {} files", moved));
    } catch (const db::Error& error) {
      reporter.warning(
          fmt::format("joining equal cohorts failed, the next scan tries again: {}", error.what()));
    }
  }
  const bool lost = (!connection || connection->broken()) && totals.worked == 0;
  if (!stop.asked() && !lost) judge_ages(connection, options, reporter, stop);
  if (options.json || totals.worked + totals.failed > 1) reporter.totals(totals);
  return exit_status(totals);
}

int run(int argc, char** argv) {
  const std::variant<ScanOptions, int> parsed = parse_options(argc, argv);
  if (const int* const status = std::get_if<int>(&parsed)) return *status;
  const ScanOptions& options = std::get<ScanOptions>(parsed);
  const StopSignal stop;
  return options.source ? run_source(options, stop) : run_mirrors(options, stop);
}

}  // namespace
}  // namespace mirror::scanner

int main(int argc, char** argv) {
  return mirror::cli::guarded("mb-scan", [&] { return mirror::scanner::run(argc, argv); });
}
