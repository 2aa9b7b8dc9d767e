// mb-scan --discover: what a mirror offers, as text or as JSON. `mb new URL` reads the latter.
#pragma once

#include "os/stop_signal.h"
#include "scanner/scan/scan_options.h"

namespace mirror::scanner {

// The exit status: cli::kFailed if it should not be a mirror of ours.
int show_discovery(const ScanOptions& options, const StopSignal& stop);

}  // namespace mirror::scanner
