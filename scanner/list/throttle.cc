#include "scanner/list/throttle.h"

#include <algorithm>

namespace mirror::scanner {
namespace {

using Milliseconds = std::chrono::milliseconds;

constexpr Milliseconds kLongest(1000), kForBytes(50);

}  // namespace

Throttle::Throttle(double requests_per_s, double bytes_per_s, Clock::time_point now)
    : requests_per_s_(requests_per_s),
      bytes_per_s_(bytes_per_s),
      requests_(requests_per_s * 60, std::max(1.0, requests_per_s)),
      bytes_(bytes_per_s * 60, bytes_per_s),
      start_(now) {}

bool Throttle::may_ask(Clock::time_point now) {
  const double now_s = std::chrono::duration<double>(now - start_).count();
  if (bytes_per_s_ > 0 && bytes_.left(now_s) < 0) return false;
  if (requests_per_s_ <= 0) return true;
  if (requests_.left(now_s) < 1) return false;
  requests_.use(1);
  return true;
}

Milliseconds Throttle::patience() const {
  Milliseconds patience = kLongest;
  if (bytes_per_s_ > 0) patience = kForBytes;
  if (requests_per_s_ > 0) {
    const std::chrono::duration<double> one(1 / requests_per_s_);
    patience = std::min(patience, std::chrono::ceil<Milliseconds>(one));
  }
  return patience;
}

}  // namespace mirror::scanner
