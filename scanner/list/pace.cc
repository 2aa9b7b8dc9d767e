#include "scanner/list/pace.h"

#include <fmt/format.h>

#include "scanner/list/listing.h"

namespace mirror::scanner {
namespace {

constexpr std::chrono::minutes kWindow(5);
constexpr std::int64_t kLeastEntries = 60;

}  // namespace

Pace::Pace(double max_minutes, Clock::time_point now)
    : max_minutes_(max_minutes), start_(now), window_(now) {}

void Pace::check(std::int64_t entries, Clock::time_point now) {
  if (now - start_ > std::chrono::duration<double, std::ratio<60>>(max_minutes_)) {
    throw ListingError(fmt::format(
        "the listing takes longer than {} minutes, after {} entries; max_scan_minutes is the limit",
        max_minutes_, entries));
  }
  if (now - window_ < kWindow) return;
  if (entries - entries_at_window_ < kLeastEntries) {
    throw ListingError(fmt::format("the server is too slow: {} entries in the last {} minutes",
                                   entries - entries_at_window_, kWindow.count()));
  }
  window_ = now;
  entries_at_window_ = entries;
}

}  // namespace mirror::scanner
