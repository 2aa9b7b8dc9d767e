// Many scans at a time: a fixed number of threads, each with a Connection of its own, take one
// mirror after the other.
#pragma once

#include <optional>
#include <vector>

#include "os/stop_signal.h"
#include "pg/connection.h"
#include "scanner/scan/report.h"
#include "scanner/scan/scan_options.h"

namespace mirror::scanner {

// The caller's connection, which one of the threads uses meanwhile; it may come back as another
// one, broken or not at all.
using Lent = std::optional<db::Connection>;

// Scans every mirror, telling each result as it comes; one mirror's failure stops no other. Once
// `stop` is asked for the scans under way are given up and the rest fail without being tried.
Totals scan_mirrors(const std::vector<db::MirrorRecord>& mirrors, const ScanOptions& options,
                    Reporter& reporter, const StopSignal& stop, Lent& connection);

// The source, in the same way.
Totals scan_the_source(const ScanOptions& options, Reporter& reporter, const StopSignal& stop,
                       Lent& connection);

}  // namespace mirror::scanner
