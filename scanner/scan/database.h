// mb-scan's connections to the database. Any thread may open one; each belongs to one thread.
#pragma once

#include "db/session.h"
#include "os/stop_signal.h"
#include "scanner/scan/options.h"
#include "tools/cli/naming_config.h"

namespace mirror::scanner {

// Throws db::Error. Every wait on it ends, some seconds after `stop` was asked for.
inline db::Connection connect(const Options& options, const StopSignal& stop) {
  return cli::naming_config(options.instance, [&] {
    return db::open_session(options.instance.database,
                            db::tool_session("mb-scan", db::kMergePatience, &stop.asked()));
  });
}

}  // namespace mirror::scanner
