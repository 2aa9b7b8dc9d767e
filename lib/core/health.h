// What a prober has found of a mirror: over which ways it answers, and whether it may be believed.
// Plain values. What nobody has checked counts as good.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.h"

namespace mirror {

// A scheme over an address family: "http/ipv4", "https/ipv6" and so on.
struct Way {
  bool https = false;
  Family family = Family::ipv4;

  static std::optional<Way> parse(std::string_view text);
  std::string text() const;
  friend bool operator==(const Way&, const Way&) = default;
};
inline constexpr std::array kWays{Way{false, Family::ipv4}, Way{false, Family::ipv6},
                                  Way{true, Family::ipv4}, Way{true, Family::ipv6}};

class WaySet {
 public:
  bool has(Way way) const { return (bits_ & bit(way)) != 0; }
  void add(Way way) { bits_ = static_cast<std::uint8_t>(bits_ | bit(way)); }
  bool empty() const { return bits_ == 0; }
  std::vector<std::string> texts() const;  // in the order of kWays
  friend bool operator==(const WaySet&, const WaySet&) = default;

 private:
  static int bit(Way way) { return 1 << (2 * way.https + (way.family == Family::ipv6)); }
  std::uint8_t bits_ = 0;
};

// Whether a mirror may be believed to have what its last scan found.
enum class Standing : std::uint8_t {
  good,
  stale,     // it stopped following the source
  wrong,     // it serves something else than what was listed
  returning  // it was down for long, and its files were not checked since
};
std::string_view standing_name(Standing standing);  // "good", "stale", "wrong", "returning"
std::optional<Standing> parse_standing(std::string_view name);

}  // namespace mirror
