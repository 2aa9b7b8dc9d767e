#include "core/place.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <numbers>

namespace mirror {
namespace {

constexpr double kRadiansPerDegree = std::numbers::pi / 180;
constexpr std::array<std::string_view, kRegions> kRegionCodes = {"",   "AF", "AN", "AS",
                                                                 "EU", "NA", "OC", "SA"};

struct Country {
  std::string_view code;
  Region region;
  std::optional<Place> centroid;
  std::string_view name;
};

constexpr Country kCountries[] = {
#include "core/country-tables.inc"
};

constexpr std::size_t table_slot(std::string_view code) {
  return (code[0] - 'A') * 26 + (code[1] - 'A');
}

constexpr auto kCountryByCode = [] {
  std::array<std::int16_t, CountryCode::kSlots> positions{};
  positions.fill(-1);
  for (std::size_t i = 0; i < std::size(kCountries); ++i)
    positions[table_slot(kCountries[i].code)] = i;
  return positions;
}();

const Country* find_country(CountryCode code) {
  if (!code.known() || code.everyone()) return nullptr;
  const int position = kCountryByCode[code.slot()];
  return position < 0 ? nullptr : &kCountries[position];
}

// '\0' for what is no ASCII letter.
char upper_letter(char c) {
  if (c >= 'a' && c <= 'z') return static_cast<char>(c - 'a' + 'A');
  return c >= 'A' && c <= 'Z' ? c : '\0';
}

}  // namespace

Direction direction(const Place& place) {
  const double latitude = place.latitude * kRadiansPerDegree,
               longitude = place.longitude * kRadiansPerDegree;
  return {std::cos(latitude) * std::cos(longitude), std::cos(latitude) * std::sin(longitude),
          std::sin(latitude)};
}

double distance_km(double squared_chord) {
  const double half_chord = std::sqrt(squared_chord) / 2;
  return 2 * kEarthRadiusKm * std::asin(half_chord > 1 ? 1 : half_chord);  // a NaN stays one
}

double distance_km(const Direction& a, const Direction& b) {
  return distance_km(squared_chord(a, b));
}

double distance_km(const Place& a, const Place& b) {
  return distance_km(direction(a), direction(b));
}

std::string_view region_code(Region region) {
  return kRegionCodes[static_cast<std::size_t>(region)];
}

std::optional<Region> parse_region(std::string_view code) {
  if (code.size() != 2) return std::nullopt;
  const char upper[] = {upper_letter(code[0]), upper_letter(code[1])};
  const auto found =
      std::find(kRegionCodes.begin() + 1, kRegionCodes.end(), std::string_view(upper, 2));
  if (found == kRegionCodes.end()) return std::nullopt;
  return static_cast<Region>(found - kRegionCodes.begin());
}

std::optional<CountryCode> CountryCode::parse(std::string_view code) {
  if (code.size() != 2) return std::nullopt;
  CountryCode country;
  country.code_ = {upper_letter(code[0]), upper_letter(code[1])};
  if (code == "**") country.code_ = {'*', '*'};
  if (country.code_[0] == '\0' || country.code_[1] == '\0') return std::nullopt;
  return country;
}

Region region_of(CountryCode country) {
  const Country* const found = find_country(country);
  return found == nullptr ? Region::unknown : found->region;
}

std::optional<Place> centroid_of(CountryCode country) {
  const Country* const found = find_country(country);
  return found == nullptr ? std::nullopt : found->centroid;
}

std::optional<Direction> centroid_direction_of(CountryCode country) {
  static const auto directions = [] {
    std::array<std::optional<Direction>, std::size(kCountries)> all;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (kCountries[i].centroid) all[i] = direction(*kCountries[i].centroid);
    }
    return all;
  }();
  const Country* const found = find_country(country);
  return found == nullptr ? std::nullopt : directions[found - kCountries];
}

std::optional<Direction> centroid_direction_of(Region region) {
  static const auto directions = [] {
    std::array<Direction, kRegions> all;
    for (const Country& country : kCountries) {
      if (!country.centroid) continue;
      const Direction to = direction(*country.centroid);
      Direction& sum = all[static_cast<std::size_t>(country.region)];
      sum = {sum.x + to.x, sum.y + to.y, sum.z + to.z};
    }
    for (Direction& sum : all) {
      const double length = std::sqrt(squared_chord(sum, {}));
      if (length > 0) sum = {sum.x / length, sum.y / length, sum.z / length};
    }
    return all;
  }();
  if (region == Region::unknown) return std::nullopt;
  return directions[static_cast<std::size_t>(region)];
}

std::string_view name_of(CountryCode country) {
  const Country* const found = find_country(country);
  return found == nullptr ? std::string_view() : found->name;
}

std::optional<MirrorPlace> MirrorPlace::parse(std::string_view text) {
  const auto take_degrees = [&text](double most) -> std::optional<double> {
    double value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool fits = fault == std::errc() && end != text.data() + text.size() && *end == '/' &&
                      std::abs(value) <= most;  // which NaN is not
    if (!fits) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
    return value;
  };
  const auto latitude = take_degrees(90);
  const auto longitude = latitude ? take_degrees(180) : std::nullopt;
  const auto country = longitude ? CountryCode::parse(text) : std::nullopt;
  if (!country || country->everyone()) return std::nullopt;
  return MirrorPlace{{*latitude, *longitude}, *country};
}

std::string MirrorPlace::text() const {
  return fmt::format("{}/{}/{}", place.latitude, place.longitude, country.text());
}

}  // namespace mirror
