// mb-scan's connections to the database. Any thread may open one; each belongs to one thread.
#pragma once

#include "pg/connection.h"
#include "scanner/scan/options.h"

namespace mirror::scanner {

// Throws db::Error. Every wait on it ends, in some seconds once stop_database_waits() was called.
db::Connection connect(const Options& options);

// For a signal handler too.
void stop_database_waits() noexcept;

}  // namespace mirror::scanner
