// What mb-hash does beside hashing and verifying.
#pragma once

#include "options.h"
#include "os/stop_signal.h"
#include "report.h"

namespace mirror::hash {

// Returns what was done. Throws db::Error, and std::runtime_error for a list that cannot be read.
Counts import_list(const Options&, Report&, const StopSignal& stop);

}  // namespace mirror::hash
