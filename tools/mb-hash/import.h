// mb-hash --import.
#pragma once

#include "hash_command.h"
#include "hash_report.h"
#include "os/stop_signal.h"

namespace mirror::hash {

// Returns what was done. Throws db::Error, and std::runtime_error for a list that cannot be read.
Counts import_list(const HashCommand&, HashReport&, const StopSignal& stop);

}  // namespace mirror::hash
