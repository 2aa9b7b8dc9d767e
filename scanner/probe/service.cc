#include "scanner/probe/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "scanner/probe/prober.h"
#include "scanner/probe/session.h"
#include "tools/cli/guard.h"

namespace mirror::probe {
namespace {

constexpr double kRetry_s = 2;  // for a database that fails
constexpr double kLookAtLock_s = 1;
constexpr double kNap_s = 0.25;  // signals and the watchdog are looked at this often

}  // namespace

void Service::run() {
  Prober prober(options_, reporter_, stop_.fd());
  while (going_on()) {
    try {
      use_one_session(prober);
    } catch (const db::Error& error) {
      if (!going_on()) return;
      database_failed(cli::database_error(error.what()));
      wait(kRetry_s);
    }
  }
}

void Service::use_one_session(Prober& prober) {
  Session session(options_, stop_);
  if (!wait_for_lock(session)) return;
  prober.begin(session.connection(), !options_.dry_run);
  while (going_on()) {
    prober.step(session.connection());
    manager_.alive();
    if (told_.empty()) continue;
    reporter_.warning("the database answers again");
    told_.clear();
  }
  end(session, prober);
}

void Service::end(Session& session, Prober& prober) {
  session.end_soon();
  try {
    prober.end(session.connection());
  } catch (const db::Error& error) {
    reporter_.warning(fmt::format("not all of what was found last could be written: {}",
                                  cli::database_error(error.what())));
  }
}

bool Service::wait_for_lock(Session& session) {
  for (bool told = false; going_on(); wait(kLookAtLock_s)) {
    if (options_.dry_run || session.try_lock()) return true;
    if (const std::string holder = session.holder(); !told && !holder.empty()) {
      reporter_.warning("another prober is at work, this one waits: " + holder);
      told = true;
    }
  }
  return false;
}

// Once for each outage.
void Service::database_failed(const std::string& what) {
  if (!told_.empty()) return;
  told_ = what;
  reporter_.warning(what + "; nothing is probed until it answers again");
}

void Service::wait(double seconds) {
  for (; seconds > 0 && going_on(); seconds -= kNap_s) {
    manager_.alive();
    stop_.wait(std::chrono::milliseconds(static_cast<int>(std::min(seconds, kNap_s) * 1000)));
  }
}

}  // namespace mirror::probe
