#include "db/mirror/value_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/ascii.h"

namespace mirror::db {
namespace {

template <typename Items, typename Text>
std::string joined(const Items& items, Text text) {
  std::string out;
  for (const auto& item : items) {
    if (!out.empty()) out += ',';
    out += text(item);
  }
  return out;
}

[[noreturn]] void refuse(const char* column, std::string_view value, const char* expected) {
  throw Error(fmt::format("{}: '{}' is not {}", column, value, expected), "22023");
}

std::int64_t whole_number(const char* column, std::string_view value) {
  std::int64_t number = 0;
  const auto [end, fault] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (fault != std::errc() || end != value.data() + value.size())
    refuse(column, value, "a whole number");
  return number;
}

std::int64_t byte_count(const char* column, std::string_view value) {
  static constexpr std::string_view kUnits = "KMGT";
  const std::size_t unit = value.empty() ? std::string_view::npos
                                         : kUnits.find(upper(value.substr(value.size() - 1))[0]);
  if (unit == std::string_view::npos) return whole_number(column, value);
  const std::int64_t number = whole_number(column, value.substr(0, value.size() - 1));
  const int shift = 10 * (static_cast<int>(unit) + 1);
  if (number < 0 || number > INT64_MAX >> shift) refuse(column, value, "a possible size");
  return number << shift;
}

bool truth(const char* column, std::string_view value) {
  const std::string word = upper(value);
  for (const char* yes : {"YES", "TRUE", "ON", "1"}) {
    if (word == yes) return true;
  }
  for (const char* no : {"NO", "FALSE", "OFF", "0"}) {
    if (word == no) return false;
  }
  refuse(column, value, "yes or no");
}

double degrees(const char* column, std::string_view value) {
  double number = 0;
  const auto [end, fault] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (fault != std::errc() || end != value.data() + value.size())
    refuse(column, value, "a number of degrees");
  return number;
}

std::vector<std::string> list_items(std::string_view value) {
  std::vector<std::string> items;
  while (!value.empty()) {
    const std::size_t comma = std::min(value.find(','), value.size());
    std::string_view item = value.substr(0, comma);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    if (!item.empty()) items.emplace_back(item);
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
  return items;
}

}  // namespace

void read_value(const Result& rows, int row, int column, MirrorId& value) {
  value = rows.int2(row, column);
}
void read_value(const Result& rows, int row, int column, std::string& value) {
  value = rows.bytes(row, column);
}
void read_value(const Result& rows, int row, int column, bool& value) {
  value = rows.boolean(row, column);
}
void read_value(const Result& rows, int row, int column, int& value) {
  value = rows.int4(row, column);
}
void read_value(const Result& rows, int row, int column, std::int64_t& value) {
  value = rows.int8(row, column);
}
void read_value(const Result& rows, int row, int column, AsNumber& value) {
  value = static_cast<AsNumber>(rows.int8(row, column));
}
void read_value(const Result& rows, int row, int column, CountryCode& value) {
  value = CountryCode::parse(rows.bytes(row, column)).value_or(CountryCode());
}
void read_value(const Result& rows, int row, int column, Region& value) {
  value = parse_region(rows.bytes(row, column)).value_or(Region::unknown);
}
void read_value(const Result& rows, int row, int column, WaySet& value) {
  for (const std::string& text : rows.text_array(row, column)) {
    if (const auto way = Way::parse(text)) value.add(*way);
  }
}
void read_value(const Result& rows, int row, int column, Standing& value) {
  value = parse_standing(rows.bytes(row, column)).value_or(Standing::wrong);
}
void read_value(const Result& rows, int row, int column, std::vector<CountryCode>& value) {
  for (const std::string& code : rows.text_array(row, column)) {
    if (const auto country = CountryCode::parse(code)) value.push_back(*country);
  }
}
void read_value(const Result& rows, int row, int column, std::vector<Prefix>& value) {
  for (const std::string& text : rows.text_array(row, column)) {
    if (const auto prefix = Prefix::parse(text)) value.push_back(*prefix);
  }
}
void read_value(const Result& rows, int row, int column, std::vector<MirrorPlace>& value) {
  for (const std::string& text : rows.text_array(row, column)) {
    if (const auto place = MirrorPlace::parse(text)) value.push_back(*place);
  }
}
void read_value(const Result& rows, int row, int column, std::vector<AsNumber>& value) {
  for (const std::string& text : rows.text_array(row, column))
    value.push_back(static_cast<AsNumber>(std::stoull(text)));
}
void read_value(const Result& rows, int row, int column, std::optional<std::int64_t>& value) {
  value = rows.maybe_int8(row, column);
}
void read_value(const Result& rows, int row, int column, std::optional<double>& value) {
  if (!rows.is_null(row, column)) value = rows.float8(row, column);
}

std::string value_text(const std::string& value) { return value; }
std::string value_text(bool value) { return value ? "yes" : "no"; }
std::string value_text(int value) { return std::to_string(value); }
std::string value_text(AsNumber value) { return value != 0 ? std::to_string(value) : ""; }
std::string value_text(std::int64_t value) { return std::to_string(value); }
std::string value_text(double value) { return fmt::format("{}", value); }
std::string value_text(const CountryCode& value) { return std::string(value.text()); }
std::string value_text(Region value) { return std::string(region_code(value)); }
std::string value_text(const std::vector<CountryCode>& value) {
  return joined(value, [](CountryCode country) { return std::string(country.text()); });
}
std::string value_text(const std::vector<std::string>& value) {
  return joined(value, [](const std::string& item) { return item; });
}

std::string value_text(const std::vector<MirrorPlace>& value) {
  return joined(value, [](const MirrorPlace& place) { return place.text(); });
}

void bind_value(Tag<std::string>, Params& params, const char*, std::string_view value) {
  params.text(value);
}
void bind_value(Tag<bool>, Params& params, const char* column, std::string_view value) {
  params.boolean(truth(column, value));
}
void bind_value(Tag<int>, Params& params, const char* column, std::string_view value) {
  const std::int64_t number = whole_number(column, value);
  if (number < INT32_MIN || number > INT32_MAX) refuse(column, value, "a number in range");
  params.int4(static_cast<std::int32_t>(number));
}
void bind_value(Tag<AsNumber>, Params& params, const char* column, std::string_view value) {
  if (value.starts_with("AS") || value.starts_with("as")) value.remove_prefix(2);
  params.int8(value.empty() ? 0 : whole_number(column, value));
}
void bind_value(Tag<std::int64_t>, Params& params, const char* column, std::string_view value) {
  params.int8(value.empty() ? 0 : byte_count(column, value));
}
void bind_value(Tag<double>, Params& params, const char* column, std::string_view value) {
  if (value.empty())
    params.null();
  else
    params.float8(degrees(column, value));
}
void bind_value(Tag<CountryCode>, Params& params, const char*, std::string_view value) {
  params.text(upper(value));
}
void bind_value(Tag<Region>, Params& params, const char*, std::string_view value) {
  params.text(upper(value));
}
void bind_value(Tag<std::vector<CountryCode>>, Params& params, const char*,
                std::string_view value) {
  params.text_array(list_items(upper(value)));
}
void bind_value(Tag<std::vector<std::string>>, Params& params, const char*,
                std::string_view value) {
  params.text_array(list_items(value));
}

void bind_value(Tag<std::vector<MirrorPlace>>, Params& params, const char* column,
                std::string_view value) {
  std::vector<std::string> places;
  for (const std::string& item : list_items(value)) {
    const auto place = MirrorPlace::parse(item);
    if (!place) refuse(column, item, "LATITUDE/LONGITUDE/COUNTRY, like 50.1/8.7/DE");
    places.push_back(place->text());
  }
  params.text_array(places);
}

}  // namespace mirror::db
