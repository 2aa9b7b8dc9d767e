#include "core/health.h"

#include <algorithm>

namespace mirror {
namespace {

constexpr std::array<std::string_view, 4> kStandings = {"good", "stale", "wrong", "returning"};

}  // namespace

std::string Way::text() const {
  return std::string(https ? "https" : "http") + (family == Family::ipv4 ? "/ipv4" : "/ipv6");
}

std::optional<Way> Way::parse(std::string_view text) {
  const auto* const found =
      std::find_if(kWays.begin(), kWays.end(), [&](const Way& way) { return way.text() == text; });
  return found == kWays.end() ? std::nullopt : std::optional(*found);
}

std::vector<std::string> WaySet::texts() const {
  std::vector<std::string> texts;
  for (const Way way : kWays) {
    if (has(way)) texts.push_back(way.text());
  }
  return texts;
}

std::string_view standing_name(Standing standing) {
  return kStandings[static_cast<std::size_t>(standing)];
}

std::optional<Standing> parse_standing(std::string_view name) {
  const auto* const found = std::find(kStandings.begin(), kStandings.end(), name);
  if (found == kStandings.end()) return std::nullopt;
  return static_cast<Standing>(found - kStandings.begin());
}

}  // namespace mirror
