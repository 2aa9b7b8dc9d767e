// mb-scan --queue: which mirrors are due when, and who works on them. The texts are pure.
#pragma once

#include <string>
#include <vector>

#include "db/scan_queue.h"
#include "os/stop_signal.h"
#include "scanner/scan/scan_options.h"

namespace mirror::scanner {

std::string queue_text(const std::vector<db::QueuedScan>& queue,
                       const std::vector<db::ScanWorker>& workers);
std::string queue_json(const std::vector<db::QueuedScan>& queue,
                       const std::vector<db::ScanWorker>& workers);

// Prints it; returns the exit status. Throws db::Error.
int show_queue(const ScanOptions& options, const StopSignal& stop);

}  // namespace mirror::scanner
