#include "scanner/probe/hysteresis.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace mirror::probe {
namespace {

constexpr double kDay_s = 86400;
constexpr std::size_t kMostChanges = 64;  // to remember: the hold is at its longest long before

}  // namespace

std::string_view state_name(State state) {
  switch (state) {
    case State::up:
      return "up";
    case State::down:
      return "down";
    case State::unknown:
      break;
  }
  return "unknown";
}

std::optional<State> parse_state(std::string_view name) {
  for (const State state : {State::unknown, State::up, State::down})
    if (name == state_name(state)) return state;
  return std::nullopt;
}

Hysteresis::Hysteresis(State state, std::deque<double> changes_s)
    : state_(state), changes_s_(std::move(changes_s)) {
  while (changes_s_.size() > kMostChanges) changes_s_.pop_front();
}

double Hysteresis::take(const Verdict& verdict, double now_s, const HysteresisOptions& options) {
  if (verdict.outcome == CheckOutcome::unknown) return options.interval_s;
  if (verdict.outcome == CheckOutcome::wrong_file) {
    good_ = bad_ = 0;
    if (state_ == State::unknown) change(State::up, now_s);
    if (state_ == State::down) reason_ = verdict.reason;
    return options.interval_s;
  }
  if (verdict.outcome == CheckOutcome::bad) {
    good_ = 0;
    bad_ = verdict.at_once ? kNeeded : std::min(bad_ + 1, kNeeded);
    reason_ = verdict.reason;
    if (state_ != State::down && bad_ < kNeeded) return options.again_s;
    if (state_ != State::down) change(State::down, now_s);
    return options.interval_s;
  }
  bad_ = 0;
  if (good_ == 0) good_since_s_ = now_s;
  good_ = std::min(good_ + 1, kNeeded);
  if (state_ == State::unknown) change(State::up, now_s);
  if (state_ == State::up) return options.interval_s;
  if (good_ < kNeeded) return options.again_s;
  if (now_s - good_since_s_ < hold_s(now_s, options)) return options.interval_s;
  change(State::up, now_s);
  return options.interval_s;
}

// How long it must have been good to come back: nothing more than the two checks ask, and for one
// that flaps an interval, doubled with each further change.
double Hysteresis::hold_s(double now_s, const HysteresisOptions& options) {
  while (!changes_s_.empty() && changes_s_.front() < now_s - kDay_s) changes_s_.pop_front();
  if (!options.holds_flapping || changes_s_.size() <= kChangesADay) return 0;
  const auto further = static_cast<double>(changes_s_.size() - kChangesADay);
  return std::min(options.interval_s * std::exp2(further), kLongestHold_s);
}

void Hysteresis::change(State to, double now_s) {
  const bool counts = state_ != State::unknown;
  state_ = to;
  good_ = bad_ = 0;
  if (to == State::up) reason_.clear();
  if (!counts) return;
  if (changes_s_.size() == kMostChanges) changes_s_.pop_front();
  changes_s_.push_back(now_s);
}

}  // namespace mirror::probe
