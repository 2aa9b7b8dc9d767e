// A budget of so much a minute, of which some may be used at once: a token bucket. Pure; one
// thread. Times are seconds of the caller's clock.
#pragma once

#include <algorithm>

namespace mirror {

class TokenBucket {
 public:
  // At most `burst` is saved up; it begins full.
  TokenBucket(double per_minute, double burst) : per_minute_(per_minute), burst_(burst) {}
  explicit TokenBucket(double per_minute) : TokenBucket(per_minute, per_minute) {}

  // What can be used at `now_s`, which never goes back.
  double left(double now_s) {
    if (filled_s_ < 0) left_ = burst_;
    if (filled_s_ >= 0) left_ = std::min(burst_, left_ + (now_s - filled_s_) * per_minute_ / 60);
    filled_s_ = now_s;
    return left_;
  }
  // May be more than is left: then it takes longer until there is some again.
  void use(double amount) { left_ -= amount; }

 private:
  double per_minute_, burst_, left_ = 0, filled_s_ = -1;
};

}  // namespace mirror
