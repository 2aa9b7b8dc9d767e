// Which events `mb notify` has told whom, so that a restart loses none. A notice is noted after it
// was sent: one that was sent when the program died is sent again. Functions throw Error; REQUIRES:
// no transaction is open.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "db/mirror/health.h"
#include "pg/connection.h"

namespace mirror::db {

// The number of the lock in scan_lock of the one `mb notify` that sends, which no mirror has.
inline constexpr MirrorId kNotifyLock = -2;

struct NoticeState {
  std::int64_t last_event = 0;
  int sent_last_hour = 0;
  int failures = 0;         // in a row
  std::int64_t wait_s = 0;  // until it is tried again
  std::string error;        // of the last try
};

// Of a target and recipient; one that is new begins with what happens from now on.
NoticeState notice_state(Connection&, const std::string& target, const std::string& recipient);

struct NumberedEvent {
  std::int64_t id = 0;
  std::int64_t age_s = 0;
  Event event;
};
inline constexpr int kMostEvents = 10'000;
// Those above this one, of the last week, the oldest first, at most kMostEvents. All that will ever
// get a number below the last of them are among them. nullopt: somebody is writing events right
// now; waits 200 ms for that, for whoever writes the next ones waits for this.
std::optional<std::vector<NumberedEvent>> events_above(Connection&, std::int64_t id);

// All up to `last_event` was told, or was not to be told; `sent`: in a notice of now.
void note_told(Connection&, const std::string& target, const std::string& recipient,
               std::int64_t last_event, bool sent);
// It could not be sent: tried again after a minute, then two, at most an hour.
void note_failure(Connection&, const std::string& target, const std::string& recipient,
                  const std::string& error);

}  // namespace mirror::db
