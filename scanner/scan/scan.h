// One scan from beginning to end: lock, list, stage, merge. To be called in any thread with a
// Connection of that thread.
#pragma once

#include "db/mirror/mirrors.h"
#include "os/stop_signal.h"
#include "scanner/scan/scan_options.h"
#include "scanner/scan/scan_result.h"

namespace mirror::scanner {

// All failures are in the ScanResult; only std::bad_alloc is thrown.
ScanResult scan_mirror(db::Connection& connection, const db::MirrorRecord& record,
                       const ScanOptions& options, const Control& control);
// Touched files of a local source are hashed afterwards, for options.instance.hash_touched_s.
ScanResult scan_source(db::Connection& connection, const ScanOptions& options,
                       const Control& control, const StopSignal& stop);

}  // namespace mirror::scanner
