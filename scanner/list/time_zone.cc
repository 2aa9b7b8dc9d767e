#include "scanner/list/time_zone.h"

#include <cmath>
#include <cstdlib>

namespace mirror::scanner {
namespace {

constexpr std::int64_t kStep_s = 900;
constexpr std::int64_t kMostSteps = 56;  // 14 hours
constexpr int kEnough = 3;

// How many steps `listed` is ahead; nullopt: no time zone explains it.
std::optional<std::int64_t> steps_ahead(const ListedTime& listed, std::int64_t exact_s) {
  const std::int64_t ahead_s = listed.time_s - exact_s;
  const std::int64_t steps =
      std::llround(static_cast<double>(ahead_s) / static_cast<double>(kStep_s));
  if (std::llabs(ahead_s - steps * kStep_s) >= listed.precision_s) return std::nullopt;
  if (std::llabs(steps) > (listed.is_utc ? 0 : kMostSteps)) return std::nullopt;
  return steps;
}

}  // namespace

TimeZone::Fit TimeZone::judge(const ListedTime& listed, std::int64_t source_s) const {
  const std::optional<std::int64_t> steps = steps_ahead(listed, source_s);
  if (!steps) return Fit::other;
  if (*steps == 0) return Fit::same;
  const auto found = offsets_.find(*steps);
  if (found == offsets_.end()) return Fit::ask;
  return found->second.right >= kEnough && !found->second.wrong ? Fit::same : Fit::ask;
}

void TimeZone::learn(const ListedTime& listed, std::int64_t source_s, std::int64_t exact_s) {
  const std::optional<std::int64_t> right = steps_ahead(listed, exact_s);
  const std::optional<std::int64_t> expected = steps_ahead(listed, source_s);
  if (right) ++offsets_[*right].right;
  if (expected && expected != right) offsets_[*expected].wrong = true;
}

}  // namespace mirror::scanner
