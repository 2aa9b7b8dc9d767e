// Places on the earth: countries, regions (continents) and distances. Pure values and tables
// compiled in.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mirror {

struct Place {
  double latitude = 0;   // degrees, -90 to 90
  double longitude = 0;  // degrees, -180 to 180
  friend bool operator==(const Place&, const Place&) = default;
};

// A place as a unit vector from the earth's centre: what distances are computed from.
struct Direction {
  double x = 0, y = 0, z = 0;
};
Direction direction(const Place& place);

inline constexpr double kEarthRadiusKm = 6371.0;  // the mean one

// Of the straight line between two directions, in earth radii. It grows with the distance, and
// costs no root and no arc.
inline double squared_chord(const Direction& a, const Direction& b) {
  const double dx = a.x - b.x, dy = a.y - b.y, dz = a.z - b.z;
  return dx * dx + dy * dy + dz * dz;
}

// Great-circle distance in kilometres (haversine) of what has that chord; NaN when a coordinate is
// no number.
double distance_km(double squared_chord);
double distance_km(const Direction& a, const Direction& b);
double distance_km(const Place& a, const Place& b);

enum class Region : std::uint8_t { unknown, AF, AN, AS, EU, NA, OC, SA };
inline constexpr std::size_t kRegions = 8;

std::string_view region_code(Region region);  // "EU"; "" for unknown
std::optional<Region> parse_region(
    std::string_view code);  // either case; nullopt for anything else

// An ISO 3166-1 alpha-2 code in upper case, empty for unknown, or `**` for a mirror that serves
// every country.
class CountryCode {
 public:
  constexpr CountryCode() = default;
  // Two ASCII letters in either case, or "**"; nullopt for anything else.
  static std::optional<CountryCode> parse(std::string_view code);
  bool known() const { return code_[0] != 0; }
  bool everyone() const { return code_[0] == '*'; }
  // A different number for every pair of letters; only for codes of two letters.
  static constexpr std::size_t kSlots = 26 * 26;
  std::size_t slot() const {
    return static_cast<std::size_t>((code_[0] - 'A') * 26 + (code_[1] - 'A'));
  }
  std::string_view text() const {
    return known() ? std::string_view(code_.data(), 2) : std::string_view();
  }
  friend bool operator==(const CountryCode& a, const CountryCode& b) {
    return a.code_[0] == b.code_[0] && a.code_[1] == b.code_[1];  // the default one calls memcmp
  }

 private:
  std::array<char, 2> code_{};
};

// The continent of a country; unknown for other codes.
Region region_of(CountryCode country);
// The normalised mean of the country's coordinates in tzdata's zone.tab; nullopt where it has none.
std::optional<Place> centroid_of(CountryCode country);
std::optional<Direction> centroid_direction_of(CountryCode country);
// The normalised mean of its countries' centroids; nullopt for unknown.
std::optional<Direction> centroid_direction_of(Region region);
// The English short name (tzdata's iso3166.tab), "" if unknown.
std::string_view name_of(CountryCode country);

// One of several places that a mirror has (a CDN's).
struct MirrorPlace {
  Place place;
  CountryCode country;

  // "LATITUDE/LONGITUDE/COUNTRY", degrees and a country's code: "50.1/8.7/DE".
  static std::optional<MirrorPlace> parse(std::string_view text);
  std::string text() const;
  friend bool operator==(const MirrorPlace&, const MirrorPlace&) = default;
};

}  // namespace mirror
