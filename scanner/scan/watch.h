// mb-scan --source --watch: lists the source, and then each folder of it in which something has
// changed, until it is told to stop.
#pragma once

#include <set>
#include <string>

#include "os/stop_signal.h"
#include "scanner/scan/batch.h"
#include "scanner/scan/report.h"
#include "scanner/scan/scan_options.h"

namespace mirror::scanner {

// Returns whether the last scan of everything that had changed worked. Throws std::system_error
// when the source cannot be watched.
bool watch_source(const ScanOptions& options, Reporter& reporter, const StopSignal& stop,
                  Lent& connection);

// The folders to list for these changes: none is below another, and of many only the root.
std::set<std::string> folders_to_list(const std::set<std::string>& changed);

}  // namespace mirror::scanner
