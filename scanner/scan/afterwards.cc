#include "scanner/scan/afterwards.h"

#include <fmt/format.h>

#include "core/path.h"
#include "db/merge/scan.h"
#include "db/mirror/stale.h"
#include "db/session.h"
#include "scanner/scan/ways.h"
#include "tools/cli/naming_config.h"

namespace mirror::scanner {
namespace {

constexpr std::int64_t kMaxJoinedFiles = 200'000;  // a fraction of a second under the merge lock
constexpr double kHour_s = 3600, kDay_s = 86400;

using Lent = std::optional<db::Connection>;

void connect_again(Lent& connection, const ScanOptions& options, const StopSignal& stop) {
  if (!connection || connection->broken()) connection = connect(options, stop);
}

void join_equal_cohorts(Lent& connection, const ScanOptions& options, Reporter& reporter,
                        const StopSignal& stop) {
  try {
    connect_again(connection, options, stop);
    const std::int64_t moved = db::join_cohorts(*connection, kMaxJoinedFiles);
    if (moved > 0) reporter.detail(fmt::format("joined equal cohorts, moving {} files", moved));
  } catch (const db::Error& error) {
    reporter.warning(
        fmt::format("joining equal cohorts failed, the next scan tries again: {}", error.what()));
  }
}

void judge_ages(Lent& connection, const ScanOptions& options, Reporter& reporter,
                const StopSignal& stop) {
  try {
    connect_again(connection, options, stop);
    const Instance& instance = options.instance;
    db::StaleLimits limits{std::nullopt, kHour_s * instance.max_age_hours};
    if (instance.max_scan_age_hours) limits.max_scan_age_s = kHour_s * *instance.max_scan_age_hours;
    for (const db::StaleChange& change : db::judge_stale(*connection, limits))
      reporter.warning(fmt::format("mirror {}: {}", printable(change.mirror), change.words()));
  } catch (const db::Error& error) {
    reporter.warning(fmt::format("which mirrors are stale is not known: {}", error.what()));
  }
}

}  // namespace

db::Connection connect(const ScanOptions& options, const StopSignal& stop) {
  return cli::naming_config(options.instance, [&] {
    return db::open_merge_session(options.instance.database, "mb-scan", stop.asked());
  });
}

db::ScanRhythm rhythm_of(const Instance& instance) {
  return {instance.scan_interval_hours, instance.scan_hours};
}

void after_full_scan(db::Connection& connection, const db::MirrorRecord& record,
                     const ScanOptions& options, ScanResult& result) {
  // A report that cannot be read tells nothing about the mirror.
  if (!options.report.empty() && !result.worked()) return;
  const Instance& instance = options.instance;
  const MirrorId id = record.mirror.id;
  // A mirror without any way to be listed is the admin's own choice.
  const bool failed = !result.worked() && !ways_to_list(record).empty();
  try {
    db::plan_next_scan(connection, id, rhythm_of(instance),
                       {failed, result.worked() ? result.start_rev : -1});
    if (failed && record.mirror.enabled && instance.disable_after_scans > 0) {
      result.disabled = db::disable_failing_mirror(connection, id, instance.disable_after_scans,
                                                   kDay_s * instance.disable_after_days);
    }
  } catch (const db::Error& error) {
    result.plan_fault = error.what();
  }
}

void after_scans(Lent& connection, const ScanOptions& options, Reporter& reporter,
                 const StopSignal& stop, bool merged) {
  if (merged) join_equal_cohorts(connection, options, reporter, stop);
  if (!stop.asked()) judge_ages(connection, options, reporter, stop);
}

}  // namespace mirror::scanner
