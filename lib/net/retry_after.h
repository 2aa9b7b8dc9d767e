// How long servers ask to be left alone, and when each mirror may be asked again. Pure; one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>

#include "core/mirror_set.h"
#include "net/request_pool.h"

namespace mirror::net {

inline constexpr std::int64_t kLongestRest_s = 3600;
// Who says 0, or has a clock behind ours, asks for time all the same.
inline constexpr std::int64_t kShortestRest_s = 10;

// What Retry-After says with 429 or 503, as seconds or as a date (RFC 9110 §10.2.3, RFC 6585 §4):
// seconds from `now_s`, a Unix time, on, at most kLongestRest_s. nullopt: it does not say.
std::optional<std::int64_t> retry_after_s(const PoolAnswer& answer, std::int64_t now_s);

// The one owner of when a mirror may be asked again: whoever asks mirrors for something notes what
// they said, and asks none that rests. Times are seconds of the caller's clock.
class Rests {
 public:
  static constexpr double kNoAnswer_s = 60;
  static constexpr double kLongestRound_s = 600;

  // `rounds`: those who find out whether the mirror is up wait too. They alone say so.
  void asked_for_time(MirrorId id, std::int64_t wait_s, double now_s, bool rounds = false) {
    const auto wait =
        static_cast<double>(std::clamp<std::int64_t>(wait_s, kShortestRest_s, kLongestRest_s));
    Rest& rest = rests_[id];
    rest.until_s = std::max(rest.until_s, now_s + wait);
    if (rounds)
      rest.rounds_until_s = std::max(rest.rounds_until_s, now_s + std::min(wait, kLongestRound_s));
  }
  void did_not_answer(MirrorId id, double now_s) {
    Rest& rest = rests_[id];
    rest.until_s = std::max(rest.until_s, now_s + kNoAnswer_s);
  }

  double until_s(MirrorId id) const { return of(id).until_s; }
  bool has(MirrorId id, double now_s) const { return until_s(id) > now_s; }
  // For the checks that find out whether a mirror is up: an outage that asks for time is one all
  // the same, and what does not answer is what they look for.
  double rounds_until_s(MirrorId id) const { return of(id).rounds_until_s; }

 private:
  struct Rest {
    double until_s = 0, rounds_until_s = 0;
  };
  Rest of(MirrorId id) const {
    const auto found = rests_.find(id);
    return found == rests_.end() ? Rest() : found->second;
  }
  std::map<MirrorId, Rest> rests_;
};

}  // namespace mirror::net
