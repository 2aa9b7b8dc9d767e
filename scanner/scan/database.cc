#include "scanner/scan/database.h"

#include <atomic>

#include "db/session.h"

namespace mirror::scanner {
namespace {

std::atomic<bool> g_stop{false};
static_assert(std::atomic<bool>::is_always_lock_free);

}  // namespace

db::Connection connect(const Options& options) {
  return db::open_session(options.instance.database,
                          db::tool_session("mb-scan", db::kMergePatience, &g_stop));
}

void stop_database_waits() noexcept { g_stop = true; }

}  // namespace mirror::scanner
