#include "geo/record.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>

namespace mirror {
namespace {

constexpr std::size_t kMaxNameBytes = 200;

// Where a value may stand, MaxMind's nested layout first, then flat ones.
using KeyPath = const char* const[3];
constexpr KeyPath kCountryKeys[] = {
    {"country", "iso_code"}, {"country_code"}, {"country"}, {"registered_country", "iso_code"}};
constexpr KeyPath kContinentKeys[] = {{"continent", "code"}, {"continent_code"}};
constexpr KeyPath kLatitudeKeys[] = {{"location", "latitude"}, {"latitude"}};
constexpr KeyPath kLongitudeKeys[] = {{"location", "longitude"}, {"longitude"}};
constexpr KeyPath kAsnKeys[] = {
    {"autonomous_system_number"}, {"asn"}, {"traits", "autonomous_system_number"}};
constexpr KeyPath kAsNameKeys[] = {
    {"autonomous_system_organization"}, {"as_name"}, {"traits", "autonomous_system_organization"}};

// The first of the keys whose value `read` understands; anything else in the file counts as absent.
template <std::size_t N, typename Read>
auto first_value(const MMDB_entry_s& entry, KeyPath (&keys)[N], Read read)
    -> decltype(read(MMDB_entry_data_s())) {
  for (const KeyPath& key : keys) {
    MMDB_entry_s start = entry;
    MMDB_entry_data_s data{};
    if (MMDB_aget_value(&start, &data, key) != MMDB_SUCCESS || !data.has_data) continue;
    if (auto value = read(data)) return value;
  }
  return std::nullopt;
}

std::optional<std::string_view> as_text(const MMDB_entry_data_s& data) {
  if (data.type != MMDB_DATA_TYPE_UTF8_STRING) return std::nullopt;
  return std::string_view(data.utf8_string, data.data_size);
}

std::optional<CountryCode> as_country(const MMDB_entry_data_s& data) {
  const auto text = as_text(data);
  const auto code = text ? CountryCode::parse(*text) : std::nullopt;
  return code && code->known() && !code->everyone() ? code : std::nullopt;
}

std::optional<Region> as_region(const MMDB_entry_data_s& data) {
  const auto text = as_text(data);
  return text ? parse_region(*text) : std::nullopt;
}

std::optional<double> as_number(const MMDB_entry_data_s& data) {
  if (data.type == MMDB_DATA_TYPE_DOUBLE) return data.double_value;
  if (data.type == MMDB_DATA_TYPE_FLOAT) return data.float_value;
  return std::nullopt;
}

// An integer of any width, or text with or without "AS" before it.
std::optional<AsNumber> as_asn(const MMDB_entry_data_s& data) {
  std::uint64_t number = 0;
  if (data.type == MMDB_DATA_TYPE_UINT16) {
    number = data.uint16;
  } else if (data.type == MMDB_DATA_TYPE_UINT32) {
    number = data.uint32;
  } else if (data.type == MMDB_DATA_TYPE_UINT64) {
    number = data.uint64;
  } else if (data.type == MMDB_DATA_TYPE_INT32) {
    number = data.int32 > 0 ? data.int32 : 0;
  } else if (auto text = as_text(data)) {
    if (text->size() > 2 && ((*text)[0] | 0x20) == 'a' && ((*text)[1] | 0x20) == 's')
      text->remove_prefix(2);
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  }
  if (number == 0 || number > std::numeric_limits<AsNumber>::max()) return std::nullopt;
  return static_cast<AsNumber>(number);
}

std::optional<Place> read_place(const MMDB_entry_s& entry) {
  const auto latitude = first_value(entry, kLatitudeKeys, as_number);
  const auto longitude = first_value(entry, kLongitudeKeys, as_number);
  // Written so that NaN is refused.
  if (!latitude || !longitude || !(std::abs(*latitude) <= 90) || !(std::abs(*longitude) <= 180))
    return std::nullopt;
  return Place{*latitude, *longitude};
}

}  // namespace

bool GeoRecord::says_anything() const {
  return country.known() || continent != Region::unknown || place || asn != 0;
}

GeoRecord read_geo_record(const MMDB_entry_s& entry) {
  GeoRecord known;
  known.country = first_value(entry, kCountryKeys, as_country).value_or(CountryCode());
  known.continent = first_value(entry, kContinentKeys, as_region).value_or(Region::unknown);
  known.place = read_place(entry);
  known.asn = first_value(entry, kAsnKeys, as_asn).value_or(0);
  if (known.asn != 0)
    known.as_name = first_value(entry, kAsNameKeys, as_text).value_or("").substr(0, kMaxNameBytes);
  return known;
}

}  // namespace mirror
