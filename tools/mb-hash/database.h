// mb-hash's connections to the database.
#pragma once

#include <atomic>
#include <chrono>

#include "db/session.h"
#include "options.h"

namespace mirror::hash {

// Throws db::Error. Every wait on it ends, in some seconds once `stop` is true.
inline db::Connection connect(const Options& options, const std::atomic<bool>& stop) {
  constexpr std::chrono::minutes kLockPatience(10);  // source merges may take minutes
  return db::open_session(options.instance.database,
                          db::tool_session("mb-hash", kLockPatience, &stop));
}

}  // namespace mirror::hash
