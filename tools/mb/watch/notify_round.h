// One round of `mb notify`: who has to be told what now, of the events that the database has and
// with what it knows was sent. At least once: a notice is noted as sent after it was, so one that
// was being sent when this program died is sent again; with the same id, unless more has happened.
#pragma once

#include <functional>
#include <string>

#include "config/instance.h"
#include "os/stop_signal.h"
#include "pg/connection.h"

namespace mirror::mb {

struct RoundTotals {
  int sent = 0, failed = 0;
  bool postponed = false;  // somebody was writing events for longer than this waits
};

// Mirrors' operators are served last, and a target that timed out gets nothing more in this round,
// so that one that hangs delays few others. `several`: the configuration has more than one
// instance, so notices name theirs. `tell` gets a line for each notice that was sent or could not
// be. REQUIRES: the caller holds db::kNotifyLock. Throws db::Error.
RoundTotals notify_round(db::Connection& connection, const Instance& instance, bool several,
                         const std::function<void(const std::string& line, bool failed)>& tell,
                         const StopSignal& stop);

// The name of the instance for notices.
inline std::string shown_instance(const Instance& instance, bool several) {
  return several ? instance.name : "";
}

}  // namespace mirror::mb
