// mb-scan --ask: one file, asked of many mirrors at once, beside what the database says. Writes
// nothing.
#pragma once

#include <vector>

#include "db/mirror/mirrors.h"
#include "os/stop_signal.h"
#include "scanner/scan/scan_options.h"

namespace mirror::scanner {

// Shows a table, or JSON. Returns the exit status: kFailed if none of them has the file.
int ask_mirrors(db::Connection& connection, const std::vector<db::MirrorRecord>& mirrors,
                const ScanOptions& options, const StopSignal& stop);

}  // namespace mirror::scanner
