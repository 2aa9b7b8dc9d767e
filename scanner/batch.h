// Many scans at a time: a fixed number of threads, each with a Connection of its own, take one mirror after the other.
#pragma once

#include <vector>

#include "options.h"
#include "report.h"

namespace mirror::scanner {

// Scans every mirror, telling each result as it comes; one mirror's failure stops no other. Once `stop_fd` is readable the scans
// under way are given up and the rest fail without being tried.
Totals scan_mirrors(const std::vector<db::MirrorRecord>& mirrors, const Options& options, Reporter& reporter, int stop_fd);

// The source, in the same way.
Totals scan_the_source(const Options& options, Reporter& reporter, int stop_fd);

}  // namespace mirror::scanner
