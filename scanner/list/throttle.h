// How gently a server is asked: so many requests a second, and so many bytes. One thread.
#pragma once

#include <chrono>
#include <cstddef>

#include "core/token_bucket.h"

namespace mirror::scanner {

class Throttle {
 public:
  using Clock = std::chrono::steady_clock;
  // 0: no limit. What a second allows may come at once.
  Throttle(double requests_per_s, double bytes_per_s, Clock::time_point now);

  // Whether a request may be sent now, which then counts. Not as long as what came before was too
  // much: the bytes of an answer are known only when it is there.
  bool may_ask(Clock::time_point now);
  void came(std::size_t bytes) { bytes_.use(static_cast<double>(bytes)); }
  // When it pays to ask may_ask() again.
  std::chrono::milliseconds patience() const;

 private:
  double requests_per_s_, bytes_per_s_;
  TokenBucket requests_, bytes_;
  Clock::time_point start_;
};

}  // namespace mirror::scanner
