#include "tools/mb/watch/notify_round.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <span>

#include "core/path.h"
#include "core/wildcard.h"
#include "db/mirror/mirrors.h"
#include "db/notices.h"
#include "notify/notice.h"
#include "tools/mb/watch/notify_send.h"

namespace mirror::mb {
namespace {

// Who gets which events: of all mirrors, or of the operator's own ones.
struct Receiver {
  std::string name;                     // "" or an address
  std::vector<std::string> recipients;  // of e-mail
  std::optional<std::vector<MirrorId>> mirrors;
};

std::vector<Receiver> receivers_of(db::Connection& connection, const NotifyTarget& target) {
  if (!target.operators) return {{"", target.email, std::nullopt}};
  std::map<std::string, std::vector<MirrorId>> mirrors;
  for (const db::MirrorRecord& record : db::list_mirrors(connection)) {
    const std::string& address = record.admin_email;
    if (!address.empty() && !address.starts_with('-')) mirrors[address].push_back(record.mirror.id);
  }
  std::vector<Receiver> receivers;
  for (auto& [address, ids] : mirrors) receivers.push_back({address, {address}, std::move(ids)});
  return receivers;
}

notify::Change change_of(const db::NumberedEvent& one) {
  const db::Event& event = one.event;
  return {one.id, event.at_s, event.mirror, event.what, event.from, event.to, event.why};
}

bool wanted(const NotifyTarget& target, const Receiver& receiver, const db::NumberedEvent& one) {
  const std::string state = notify::state_of(change_of(one));
  if (state.empty()) return false;
  if (receiver.mirrors && std::find(receiver.mirrors->begin(), receiver.mirrors->end(),
                                    one.event.mirror_id) == receiver.mirrors->end())
    return false;
  if (!target.events.empty() &&
      std::find(target.events.begin(), target.events.end(), state) == target.events.end())
    return false;
  return std::any_of(target.mirrors.begin(), target.mirrors.end(), [&](const auto& pattern) {
    return wildcard_match(pattern, one.event.mirror, Letters::exact);
  });
}

// A receiver to whom something can be sent now.
struct Job {
  const NotifyTarget* target;
  Receiver receiver;
  db::NoticeState state;
};

// Of one instance: operators last, for there may be many.
std::vector<Job> jobs_of(db::Connection& connection, const Instance& instance) {
  std::vector<Job> jobs;
  for (const bool operators : {false, true}) {
    for (const NotifyTarget& target : instance.notify) {
      if (target.operators != operators) continue;
      for (Receiver& receiver : receivers_of(connection, target)) {
        db::NoticeState state = db::notice_state(connection, target.name, receiver.name);
        if (state.wait_s <= 0 && state.sent_last_hour < target.max_per_hour)
          jobs.push_back({&target, std::move(receiver), std::move(state)});
      }
    }
  }
  return jobs;
}

// What has happened, read once for all jobs; again only if there is more than is read at a time.
class Events {
 public:
  Events(db::Connection& connection, std::int64_t first) : connection_(connection), first_(first) {}

  // Those above this number; nullopt: they cannot be read now.
  std::optional<std::span<const db::NumberedEvent>> above(std::int64_t id) {
    if (!events_ || id < first_ || (is_full() && id >= events_->back().id)) {
      first_ = std::min(id, events_ ? id : first_);
      events_ = db::events_above(connection_, first_);
      if (!events_) return std::nullopt;
    }
    const auto begin = std::partition_point(events_->begin(), events_->end(),
                                            [&](const auto& one) { return one.id <= id; });
    return std::span(begin, events_->end());
  }

 private:
  bool is_full() const { return events_->size() >= static_cast<std::size_t>(db::kMostEvents); }

  db::Connection& connection_;
  std::int64_t first_;
  std::optional<std::vector<db::NumberedEvent>> events_;
};

class Round {
 public:
  Round(db::Connection& connection, const std::string& instance,
        const std::function<void(const std::string&, bool)>& tell, int stop_fd)
      : connection_(connection), instance_(instance), tell_(tell), stop_fd_(stop_fd) {}

  void serve(const Job& job, std::span<const db::NumberedEvent> events) {
    const NotifyTarget& target = *job.target;
    if (events.empty() || target.name == hanging_) return;
    std::vector<notify::Change> changes;
    std::int64_t oldest_age_s = 0;
    for (const db::NumberedEvent& one : events) {
      if (!wanted(target, job.receiver, one)) continue;
      if (changes.empty()) oldest_age_s = one.age_s;
      changes.push_back(change_of(one));
    }
    const std::int64_t last = events.back().id;
    if (changes.empty())
      return db::note_told(connection_, target.name, job.receiver.name, last, false);
    if (oldest_age_s >= target.group_s) send(target, job.receiver, std::move(changes), last);
  }

  RoundTotals totals;

 private:
  void send(const NotifyTarget& target, const Receiver& receiver,
            std::vector<notify::Change> changes, std::int64_t last) {
    const std::size_t count = changes.size();
    const notify::Notice notice = notify::make_notice(instance_, target.name, std::move(changes));
    const Delivery delivery = deliver(target, receiver.recipients, notice, stop_fd_);
    const std::string who =
        target.name + (receiver.name.empty() ? "" : fmt::format(" ({})", receiver.name));
    if (delivery.stopped) return;  // sent again by the next one
    if (delivery.timed_out) hanging_ = target.name;
    if (delivery.sent) {
      db::note_told(connection_, target.name, receiver.name, last, true);
      ++totals.sent;
      tell_(
          fmt::format("{}: sent {} change{}: {}", who, count, count == 1 ? "" : "s", delivery.said),
          false);
    } else {
      db::note_failure(connection_, target.name, receiver.name, printable(delivery.said));
      ++totals.failed;
      tell_(fmt::format("{}: not sent: {}", who, delivery.said), true);
    }
  }

  db::Connection& connection_;
  const std::string& instance_;
  const std::function<void(const std::string&, bool)>& tell_;
  const int stop_fd_;
  std::string hanging_;  // the target that timed out last
};

}  // namespace

RoundTotals notify_round(db::Connection& connection, const Instance& instance, bool several,
                         const std::function<void(const std::string&, bool)>& tell,
                         const StopSignal& stop) {
  const std::string name = shown_instance(instance, several);
  Round round(connection, name, tell, stop.fd());
  const std::vector<Job> jobs = jobs_of(connection, instance);
  std::int64_t first = std::numeric_limits<std::int64_t>::max();
  for (const Job& job : jobs) first = std::min(first, job.state.last_event);
  Events events(connection, first);
  for (const Job& job : jobs) {
    if (stop.asked()) break;
    const auto above = events.above(job.state.last_event);
    round.totals.postponed = !above;
    if (!above) break;
    round.serve(job, *above);
  }
  return round.totals;
}

}  // namespace mirror::mb
