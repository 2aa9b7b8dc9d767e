// How the types of a mirror's members are read from SQL, and, of those that an admin may set, how
// they are written by a person and shown. Internal to lib/db.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/model.h"
#include "db/mirror/mirrors.h"

namespace mirror::db {

// What a column has; in a text array what cannot be read is left out. Throws Error for a column of
// another type.
void read_value(const Result&, int row, int column, MirrorId&);
void read_value(const Result&, int row, int column, std::string&);
void read_value(const Result&, int row, int column, bool&);
void read_value(const Result&, int row, int column, int&);
void read_value(const Result&, int row, int column, std::int64_t&);
void read_value(const Result&, int row, int column, AsNumber&);
void read_value(const Result&, int row, int column, CountryCode&);
void read_value(const Result&, int row, int column, Region&);
void read_value(const Result&, int row, int column, WaySet&);
void read_value(const Result&, int row, int column, Standing&);
void read_value(const Result&, int row, int column, std::vector<CountryCode>&);
void read_value(const Result&, int row, int column, std::vector<Prefix>&);
void read_value(const Result&, int row, int column, std::vector<MirrorPlace>&);
void read_value(const Result&, int row, int column, std::vector<AsNumber>&);
void read_value(const Result&, int row, int column, std::optional<std::int64_t>&);
void read_value(const Result&, int row, int column, std::optional<double>&);

// What an admin may set, by type. `Tag` is std::type_identity of it.
struct Input {
  ColumnShape shape;
  const char* placeholder;  // for the value, in --help
};
template <typename T>
using Tag = std::type_identity<T>;
constexpr Input input_of(Tag<std::string>) { return {ColumnShape::text, "TEXT"}; }
constexpr Input input_of(Tag<bool>) { return {ColumnShape::boolean, ""}; }
constexpr Input input_of(Tag<int>) { return {ColumnShape::number, "NUMBER"}; }
constexpr Input input_of(Tag<AsNumber>) { return {ColumnShape::number, "NUMBER"}; }
constexpr Input input_of(Tag<std::int64_t>) { return {ColumnShape::number, "BYTES"}; }
constexpr Input input_of(Tag<double>) { return {ColumnShape::number, "DEGREES"}; }
constexpr Input input_of(Tag<CountryCode>) { return {ColumnShape::text, "CC"}; }
constexpr Input input_of(Tag<Region>) { return {ColumnShape::text, "REGION"}; }
constexpr Input input_of(Tag<std::vector<CountryCode>>) { return {ColumnShape::list, "CC,CC,..."}; }
constexpr Input input_of(Tag<std::vector<MirrorPlace>>) {
  return {ColumnShape::list, "LAT/LON/CC,..."};
}
constexpr Input input_of(Tag<std::vector<std::string>>) { return {ColumnShape::list, "A,B,..."}; }

// As `mb show` prints it; "" for what is not known. A list's items have commas between them.
std::string value_text(const std::string&);
std::string value_text(bool);
std::string value_text(int);
std::string value_text(AsNumber);
std::string value_text(std::int64_t);
std::string value_text(double);
std::string value_text(const CountryCode&);
std::string value_text(Region);
std::string value_text(const std::vector<CountryCode>&);
std::string value_text(const std::vector<std::string>&);
std::string value_text(const std::vector<MirrorPlace>&);

// Adds `value`, as a person writes it, as a parameter of the column's type; throws Error naming
// `column` when it is none. Ranges and shapes are the database's to check.
void bind_value(Tag<std::string>, Params&, const char* column, std::string_view value);
void bind_value(Tag<bool>, Params&, const char* column, std::string_view value);
void bind_value(Tag<int>, Params&, const char* column, std::string_view value);
void bind_value(Tag<AsNumber>, Params&, const char* column, std::string_view value);
void bind_value(Tag<std::int64_t>, Params&, const char* column, std::string_view value);
void bind_value(Tag<double>, Params&, const char* column, std::string_view value);
void bind_value(Tag<CountryCode>, Params&, const char* column, std::string_view value);
void bind_value(Tag<Region>, Params&, const char* column, std::string_view value);
void bind_value(Tag<std::vector<CountryCode>>, Params&, const char* column, std::string_view value);
void bind_value(Tag<std::vector<std::string>>, Params&, const char* column, std::string_view value);
void bind_value(Tag<std::vector<MirrorPlace>>, Params&, const char* column, std::string_view value);

}  // namespace mirror::db
