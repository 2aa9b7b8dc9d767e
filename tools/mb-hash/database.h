// mb-hash's connections to the database.
#pragma once

#include <atomic>

#include "db/session.h"
#include "options.h"

namespace mirror::hash {

// Throws db::Error. Every wait on it ends, in some seconds once `stop` is true.
inline db::Connection connect(const Options& options, const std::atomic<bool>& stop) {
  return db::open_session(options.instance.database,
                          db::tool_session("mb-hash", db::kMergePatience, &stop));
}

}  // namespace mirror::hash
