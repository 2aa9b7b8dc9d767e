// One scan from beginning to end: lock, list, stage, merge. To be called in any thread with a
// Connection of that thread.
#pragma once

#include "db/mirror/mirrors.h"
#include "scanner/scan/options.h"
#include "scanner/scan/result.h"

namespace mirror::scanner {

// Whatever goes wrong is in the Result; nothing is thrown but std::bad_alloc.
Result scan_mirror(db::Connection& connection, const db::MirrorRecord& record,
                   const Options& options, const Control& control);
Result scan_source(db::Connection& connection, const Options& options, const Control& control);

}  // namespace mirror::scanner
