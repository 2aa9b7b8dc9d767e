#include "scanner/list/time_zone.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace mirror::scanner {
namespace {

constexpr std::int64_t kStep_s = 900;
constexpr std::int64_t kMostSteps = TimeZone::kFurthest_s / kStep_s;
constexpr std::int64_t kSummerSteps = 4;  // an hour

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
  const auto found = offsets_.find(*steps);
  if (found != offsets_.end() && found->second.is_known() && !found->second.wrong) return Fit::same;
  if (listed.is_utc || (*steps == 0 && !is_known())) return Fit::same;
  return !is_known() || is_near_believed(*steps) ? Fit::ask : Fit::other;
}

bool TimeZone::is_known() const {
  return std::any_of(offsets_.begin(), offsets_.end(),
                     [](const auto& offset) { return offset.second.is_known(); });
}

bool TimeZone::is_near_believed(std::int64_t steps) const {
  return std::any_of(offsets_.begin(), offsets_.end(), [&](const auto& offset) {
    return offset.second.is_known() && std::llabs(offset.first - steps) <= kSummerSteps;
  });
}

TimeZone::Span TimeZone::in_utc(const ListedTime& listed) const {
  std::optional<std::int64_t> least, most;
  for (const auto& [steps, offset] : offsets_) {
    if (offset.right == 0 || listed.is_utc || !is_near_believed(steps)) continue;
    if (!least) least = steps;
    most = steps;
  }
  return {listed.time_s - most.value_or(0) * kStep_s, listed.time_s - least.value_or(0) * kStep_s};
}

std::optional<std::int64_t> TimeZone::as_shown(const ListedTime& listed, std::int64_t exact_s) {
  const std::optional<std::int64_t> steps = steps_ahead(listed, exact_s);
  return steps ? std::optional(listed.time_s - *steps * kStep_s) : std::nullopt;
}

void TimeZone::Offset::explain(const ListedTime& listed) {
  ++right;
  const bool alike = std::any_of(times.begin(), times.end(), [&](std::int64_t time_s) {
    return std::llabs(time_s - listed.time_s) <= listed.precision_s;
  });
  if (!alike && times.size() < kEnough) times.push_back(listed.time_s);
}

void TimeZone::learn(const ListedTime& listed, std::int64_t source_s, std::int64_t exact_s) {
  const std::optional<std::int64_t> right = steps_ahead(listed, exact_s);
  const std::optional<std::int64_t> expected = steps_ahead(listed, source_s);
  if (right) offsets_[*right].explain(listed);
  if (expected && expected != right) offsets_[*expected].wrong = true;
}

}  // namespace mirror::scanner
