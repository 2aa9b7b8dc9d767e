// When a way counts as up or down, from one check to the next: it takes two in a row to change it,
// so that a single lost packet costs nobody a mirror, and a way that changes too often stays down
// longer each time. Pure: the caller has the clock. Times are seconds of one clock that never goes
// back.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "scanner/check/check.h"

namespace mirror::probe {

enum class State : std::uint8_t { unknown, up, down };
std::string_view state_name(State state);
std::optional<State> parse_state(std::string_view name);

struct HysteresisOptions {
  double interval_s = 60;      // from one check to the next
  double again_s = 10;         // to the check that confirms a change
  bool holds_flapping = true;  // false: two good checks are always enough
};

class Hysteresis {
 public:
  static constexpr int kNeeded = 2;               // checks in a row
  static constexpr std::size_t kChangesADay = 6;  // more of them are flapping
  static constexpr double kLongestHold_s = 3600;

  // `changes_s` is when it went up or down within the last day, oldest first.
  explicit Hysteresis(State state = State::unknown, std::deque<double> changes_s = {});

  // What a check found. Returns the seconds until the next one. An unknown outcome changes nothing.
  // A wrong file shows that the server answers: it is no failure, and does not bring it back
  // either.
  double take(const Verdict& verdict, double now_s, const HysteresisOptions& options);
  State state() const { return state_; }
  bool failing() const { return bad_ > 0 && state_ != State::down; }
  // Whether a bad check now would make it down.
  bool near_down() const { return state_ != State::down && bad_ + 1 >= kNeeded; }
  // It was good, but has not been so long enough to be up again.
  bool recovering() const { return state_ == State::down && good_ > 0; }
  const std::string& reason() const { return reason_; }  // why it is down

 private:
  double hold_s(double now_s, const HysteresisOptions& options);
  void change(State to, double now_s);

  State state_;
  int good_ = 0, bad_ = 0;  // checks in a row
  double good_since_s_ = 0;
  std::deque<double> changes_s_;  // of the last day, oldest first
  std::string reason_;
};

}  // namespace mirror::probe
