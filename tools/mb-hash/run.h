// What mb-hash does: hashing, verifying, importing. One thread talks to the database, another one,
// on a connection of its own, stores what was found; the pool's threads read files.
#pragma once

#include "hash_command.h"
#include "hash_report.h"
#include "os/stop_signal.h"

namespace mirror::hash {

// Each returns what was done. Throws db::Error, std::system_error for a source that cannot be
// opened.
Counts hash_or_verify(const HashCommand&, HashReport&, const StopSignal& stop);
Counts import_list(const HashCommand&, HashReport&, const StopSignal& stop);

}  // namespace mirror::hash
