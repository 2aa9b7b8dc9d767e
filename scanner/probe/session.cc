#include "scanner/probe/session.h"

#include <chrono>

#include "db/probe/health_rows.h"
#include "db/schema.h"
#include "db/session.h"
#include "tools/cli/naming_config.h"

namespace mirror::probe {
namespace {

// Checks wait while the database is asked, so that must not take long.
constexpr std::chrono::seconds kPatience(10);
constexpr std::chrono::seconds kStopGrace(1);  // for a statement that is under way at a stop
constexpr std::chrono::seconds kEnd(2);

db::Connection connect(const ProbeOptions& options, const StopSignal& stop) {
  db::SessionOptions session = db::tool_session("mb-probe", kPatience / 2, &stop.asked());
  session.connect_timeout = session.patience = kPatience;
  session.stop_grace = kStopGrace;
  return cli::naming_config(options.instance,
                            [&] { return db::open_session(options.instance.database, session); });
}

}  // namespace

Session::Session(const ProbeOptions& options, const StopSignal& stop)
    : connection_(connect(options, stop)) {
  db::require_schema(connection_);
}

bool Session::try_lock() {
  if (lock_) return true;
  if (auto taken = db::ScanLock::try_take(connection_, db::kProberLock))
    lock_.emplace(std::move(*taken));
  return lock_.has_value();
}

void Session::end_soon() {
  connection_.set_stop(nullptr);
  connection_.set_deadline(db::Clock::now() + kEnd);
}

std::string Session::holder() {
  const auto holder = db::scan_lock_holder(connection_, db::kProberLock);
  return holder ? holder->text() : "";
}

}  // namespace mirror::probe
