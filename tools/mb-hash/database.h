// mb-hash's connections to the database.
#pragma once

#include "db/session.h"
#include "options.h"
#include "os/stop_signal.h"
#include "tools/cli/naming_config.h"

namespace mirror::hash {

// Throws db::Error. Every wait on it ends, some seconds after `stop` was asked for.
inline db::Connection connect(const Options& options, const StopSignal& stop) {
  return cli::naming_config(options.instance, [&] {
    return db::open_session(options.instance.database,
                            db::tool_session("mb-hash", db::kMergePatience, &stop.asked()));
  });
}

}  // namespace mirror::hash
