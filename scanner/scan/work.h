// mb-scan --work: takes mirrors that are due from the queue, one after the other in each of its
// threads, beside any number of other workers on other hosts.
#pragma once

#include "os/stop_signal.h"
#include "scanner/scan/report.h"
#include "scanner/scan/scan_options.h"

namespace mirror::scanner {

// Until it is told to stop, whatever the database does meanwhile; with options.once until nothing
// is due any more. Scans under way are given up when it is told to stop, and are due again at once.
// Throws db::Error if options.once and the database cannot be used.
Totals work(const ScanOptions& options, Reporter& reporter, const StopSignal& stop);

}  // namespace mirror::scanner
