// mb import mirrorbrain --hashes: digests of files, so that they need not be read at once.
#pragma once

#include <string>

#include "tools/mb/context.h"

namespace mirror::mb {

// Stores the digests of files whose size and time are still the same, and of which none are known.
// Returns the exit status. Throws moving::FormatError and db::Error.
int import_hashes(Context&, const std::string& conninfo, bool dry_run, bool json);

}  // namespace mirror::mb
