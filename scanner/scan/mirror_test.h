// mb-scan --test: whether mirrors are well right now, by everything that the database says of them:
// each scheme over each address family, some of their files, each way to list them. Writes nothing.
#pragma once

#include <vector>

#include "db/mirror/mirrors.h"
#include "os/stop_signal.h"
#include "scanner/scan/scan_options.h"

namespace mirror::scanner {

// Shows a table, or JSON. Returns the exit status: kFailed unless all of them are well.
int test_mirrors(db::Connection& connection, const std::vector<db::MirrorRecord>& mirrors,
                 const ScanOptions& options, const StopSignal& stop);

}  // namespace mirror::scanner
