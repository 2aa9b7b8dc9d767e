#include "notify_round.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "core/path.h"
#include "core/wildcard.h"
#include "db/mirror/mirrors.h"
#include "db/notices.h"
#include "notify/notice.h"
#include "notify_send.h"

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
  const std::string_view state = notify::state_of(change_of(one));
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

class Round {
 public:
  Round(db::Connection& connection, const std::string& instance,
        const std::function<void(const std::string&, bool)>& tell)
      : connection_(connection), instance_(instance), tell_(tell) {}

  void serve(const NotifyTarget& target, const Receiver& receiver) {
    const db::NoticeState state = db::notice_state(connection_, target.name, receiver.name);
    if (state.wait_s > 0) return;
    const auto events = db::events_above(connection_, state.last_event);
    if (events.empty()) return;
    std::vector<notify::Change> changes;
    std::int64_t oldest_age_s = 0;
    for (const db::NumberedEvent& one : events) {
      if (!wanted(target, receiver, one)) continue;
      if (changes.empty()) oldest_age_s = one.age_s;
      changes.push_back(change_of(one));
    }
    const std::int64_t last = events.back().id;
    if (changes.empty()) return db::note_told(connection_, target.name, receiver.name, last, false);
    if (oldest_age_s < target.group_s || state.sent_last_hour >= target.max_per_hour) return;
    send(target, receiver, std::move(changes), last);
  }

  RoundTotals totals;

 private:
  void send(const NotifyTarget& target, const Receiver& receiver,
            std::vector<notify::Change> changes, std::int64_t last) {
    const std::size_t count = changes.size();
    const notify::Notice notice = notify::make_notice(instance_, target.name, std::move(changes));
    const Delivery delivery = deliver(target, receiver.recipients, notice);
    const std::string who =
        target.name + (receiver.name.empty() ? "" : fmt::format(" ({})", receiver.name));
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
};

}  // namespace

RoundTotals notify_round(db::Connection& connection, const Instance& instance, bool several,
                         const std::function<void(const std::string&, bool)>& tell,
                         const std::function<bool()>& stop) {
  const std::string name = shown_instance(instance, several);
  Round round(connection, name, tell);
  for (const NotifyTarget& target : instance.notify) {
    for (const Receiver& receiver : receivers_of(connection, target)) {
      if (stop()) return round.totals;
      round.serve(target, receiver);
    }
  }
  return round.totals;
}

}  // namespace mirror::mb
