// What follows scans of mirrors, whoever began them: a command line, a timer or a worker.
#pragma once

#include <optional>

#include "db/mirror/mirrors.h"
#include "db/scan_queue.h"
#include "os/stop_signal.h"
#include "pg/connection.h"
#include "scanner/scan/report.h"
#include "scanner/scan/scan_options.h"
#include "scanner/scan/scan_result.h"

namespace mirror::scanner {

// Connects as the instance says; an error names the configuration. Throws db::Error.
db::Connection connect(const ScanOptions& options, const StopSignal& stop);

db::ScanRhythm rhythm_of(const Instance& instance);

// Of one mirror, whose full scan has ended: plans the next one, and disables a mirror that could
// not be listed for long. What goes wrong is in the result.
void after_full_scan(db::Connection& connection, const db::MirrorRecord& record,
                     const ScanOptions& options, ScanResult& result);

// Of all, now and then: joins equal cohorts if a scan was merged, and finds out whose last good
// scan is too old now, and whose is not any more. What goes wrong is told. `connection` may be
// replaced by another one.
void after_scans(std::optional<db::Connection>& connection, const ScanOptions& options,
                 Reporter& reporter, const StopSignal& stop, bool merged);

}  // namespace mirror::scanner
