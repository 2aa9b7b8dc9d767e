// mb notify: tells the targets of [[notify]] what changed of the mirrors; once, or as a service.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "db/notices.h"
#include "db/scan_lock.h"
#include "db/schema.h"
#include "db/session.h"
#include "os/stop_signal.h"
#include "tools/mb/commands.h"
#include "tools/mb/output.h"
#include "tools/mb/watch/notify_round.h"
#include "tools/mb/watch/notify_send.h"

namespace mirror::mb {
namespace {

constexpr std::chrono::seconds kLockPatience{10};
constexpr int kTries = 10;  // to read events that somebody is writing

struct Wanted {
  bool loop = false, test = false;
  int interval_s = 15;
};

bool several_instances(const Context& context) {
  return instance_names(context.config_file).size() > 1;
}

void tell(const std::string& line, bool failed) {
  if (failed)
    complain(line);
  else
    say(line);
}

int test(const Instance& instance, bool several) {
  bool failed = false;
  for (const NotifyTarget& target : instance.notify) {
    if (target.operators) {
      say(fmt::format("{}: a test writes to no operator", target.name));
      continue;
    }
    const notify::Notice notice =
        notify::sample_notice(shown_instance(instance, several), target.name, std::time(nullptr));
    const Delivery delivery = deliver(target, target.email, notice);
    tell(fmt::format("{}: {}: {}", target.name, delivery.sent ? "sent" : "not sent", delivery.said),
         !delivery.sent);
    failed = failed || !delivery.sent;
  }
  return failed ? kFailure : kSuccess;
}

// One at a time sends: the lock in the database is the session's.
class Session {
 public:
  Session(const Instance& instance, const StopSignal& stop)
      : connection_(db::open_session(instance.database,
                                     db::tool_session("mb notify", kLockPatience, &stop.asked()))) {
    db::require_schema(connection_);
  }
  bool try_lock() {
    if (lock_) return true;
    if (auto taken = db::ScanLock::try_take(connection_, db::kNotifyLock))
      lock_.emplace(std::move(*taken));
    return lock_.has_value();
  }
  std::string holder() {
    const auto holder = db::scan_lock_holder(connection_, db::kNotifyLock);
    return holder ? holder->text() : "another one";
  }
  db::Connection& connection() { return connection_; }

 private:
  db::Connection connection_;
  std::optional<db::ScanLock> lock_;
};

int once(const Instance& instance, bool several, const StopSignal& stop) {
  Session session(instance, stop);
  if (!session.try_lock()) {
    complain(fmt::format("another mb notify is running: {}", session.holder()));
    return kFailure;
  }
  RoundTotals totals;
  for (int i = 0; i < kTries && !stop.asked(); ++i) {
    if (i > 0) stop.wait(std::chrono::seconds(1));
    const RoundTotals round = notify_round(session.connection(), instance, several, tell, stop);
    totals = {totals.sent + round.sent, totals.failed + round.failed, round.postponed};
    if (!totals.postponed) break;
  }
  if (totals.postponed) complain("events are being written all the time: try again later");
  return totals.failed > 0 || totals.postponed ? kFailure : kSuccess;
}

// Goes on whatever the database does; what is wrong with it is said once.
int loop(const Instance& instance, bool several, int interval_s, const StopSignal& stop) {
  std::optional<Session> session;
  std::string told;
  const auto tell_once = [&](const std::string& what) {
    if (what != told) complain(what);
    told = what;
  };
  while (!stop.asked()) {
    try {
      if (!session) session.emplace(instance, stop);
      if (session->try_lock()) {
        notify_round(session->connection(), instance, several, tell, stop);
        if (!told.empty()) say("goes on");
        told.clear();
      } else {
        tell_once(fmt::format("waits: {} sends", session->holder()));
      }
    } catch (const db::Error& error) {
      session.reset();
      if (!stop.asked()) tell_once(error.what());
    }
    flush_output();
    stop.wait(std::chrono::seconds(interval_s));
  }
  return kSuccess;
}

int run(Context& context, const Wanted& wanted) {
  const Instance& instance = context.instance();
  if (instance.notify.empty()) {
    throw Failure(fmt::format("no [[notify]] for instance {} in {}", instance.name,
                              config_file_text(instance)));
  }
  const bool several = several_instances(context);
  if (wanted.test) return test(instance, several);
  const StopSignal stop;
  return wanted.loop ? loop(instance, several, wanted.interval_s, stop)
                     : once(instance, several, stop);
}

}  // namespace

Action setup_notify(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  app.add_flag("--loop", wanted->loop, "Go on until it is told to stop, as a service");
  app.add_flag("--test", wanted->test, "Send a sample to each target, and say what came back");
  app.add_option("--interval", wanted->interval_s,
                 "With --loop: seconds between two looks (default 15)")
      ->between(1, 3600)
      ->type_name("SECONDS");
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
