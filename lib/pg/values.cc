// Binary parameters and results: network byte order, arrays as array_recv() and array_send() have
// them.
#include <fmt/format.h>

#include <bit>
#include <cstdlib>
#include <cstring>

#include "pg/connection.h"

namespace mirror::db {
namespace {

// From pg_type.dat; they are part of the protocol and never change.
constexpr Oid kBool = 16, kBytea = 17, kChar = 18, kName = 19, kInt8 = 20, kInt2 = 21, kInt4 = 23,
              kText = 25, kFloat8 = 701, kByteaArray = 1001, kInt2Array = 1005, kTextArray = 1009,
              kInt8Array = 1016, kBpchar = 1042, kVarchar = 1043;

template <typename Int>
void append_int(std::string& out, Int value) {
  for (int shift = (sizeof(Int) - 1) * 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(value >> shift));
}

template <typename Int>
Int read_int(const char* data) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(Int); ++i)
    value = value << 8 | static_cast<unsigned char>(data[i]);
  return static_cast<Int>(value);
}

template <typename T, typename Append>
std::string array_data(Oid element, const std::vector<T>& values, Append append) {
  std::string out;
  append_int<std::int32_t>(out, values.empty() ? 0 : 1);  // dimensions
  append_int<std::int32_t>(out, 0);                       // no nulls
  append_int<std::int32_t>(out, element);
  if (values.empty()) return out;
  append_int<std::int32_t>(out, static_cast<std::int32_t>(values.size()));
  append_int<std::int32_t>(out, 1);  // lower bound
  for (const T& value : values) append(out, value);
  return out;
}

void append_string(std::string& out, const std::string& value) {
  append_int<std::int32_t>(out, static_cast<std::int32_t>(value.size()));
  out += value;
}

[[noreturn]] void wrong_type(int column, const char* expected) {
  throw Error(fmt::format("column {} of the answer is no {}: the schema is not the one "
                          "this program knows",
                          column + 1, expected),
              "42804");
}

// The bytes of a value whose type and length are as expected; length -1: any.
const char* field(const PGresult* result, int row, int column, Oid type, int length,
                  const char* name) {
  if (row >= PQntuples(result) || column >= PQnfields(result) || PQftype(result, column) != type ||
      PQfformat(result, column) != 1 || PQgetisnull(result, row, column) ||
      (length >= 0 && PQgetlength(result, row, column) != length)) {
    wrong_type(column, name);
  }
  return PQgetvalue(result, row, column);
}

// The elements of a one-dimensional array without nulls, each handed to `take`.
template <typename Take>
void read_array(const PGresult* result, int row, int column, Oid type, const char* name,
                Take take) {
  const char* data = field(result, row, column, type, -1, name);
  const char* const end = data + PQgetlength(result, row, column);
  if (end - data < 12) wrong_type(column, name);
  const auto dimensions = read_int<std::int32_t>(data);
  if (dimensions == 0) return;
  if (dimensions != 1 || end - data < 20) wrong_type(column, name);
  std::int32_t left = read_int<std::int32_t>(data + 12);
  for (data += 20; left > 0; --left) {
    if (end - data < 4) wrong_type(column, name);
    const auto length = read_int<std::int32_t>(data);
    data += 4;
    if (length < 0 || length > end - data) wrong_type(column, name);
    take(std::string_view(data, length));
    data += length;
  }
}

}  // namespace

Params& Params::null() {
  values_.push_back({0, true, {}});
  return *this;
}
Params& Params::boolean(bool value) {
  values_.push_back({kBool, false, std::string(1, value ? 1 : 0)});
  return *this;
}
Params& Params::int2(std::int16_t value) {
  values_.push_back({kInt2, false, {}});
  append_int(values_.back().data, value);
  return *this;
}
Params& Params::int4(std::int32_t value) {
  values_.push_back({kInt4, false, {}});
  append_int(values_.back().data, value);
  return *this;
}
Params& Params::int8(std::int64_t value) {
  values_.push_back({kInt8, false, {}});
  append_int(values_.back().data, value);
  return *this;
}
Params& Params::float8(double value) {
  values_.push_back({kFloat8, false, {}});
  append_int(values_.back().data, std::bit_cast<std::uint64_t>(value));
  return *this;
}
Params& Params::bytes(std::string_view value) {
  values_.push_back({kBytea, false, std::string(value)});
  return *this;
}
Params& Params::text(std::string_view value) {
  values_.push_back({kText, false, std::string(value)});
  return *this;
}
Params& Params::int2_array(const std::vector<std::int16_t>& values) {
  values_.push_back(
      {kInt2Array, false, array_data(kInt2, values, [](std::string& out, std::int16_t value) {
         append_int<std::int32_t>(out, 2);
         append_int(out, value);
       })});
  return *this;
}
Params& Params::int8_array(const std::vector<std::int64_t>& values) {
  values_.push_back(
      {kInt8Array, false, array_data(kInt8, values, [](std::string& out, std::int64_t value) {
         append_int<std::int32_t>(out, 8);
         append_int(out, value);
       })});
  return *this;
}
Params& Params::bytes_array(const std::vector<std::string>& values) {
  values_.push_back({kByteaArray, false, array_data(kBytea, values, append_string)});
  return *this;
}
Params& Params::text_array(const std::vector<std::string>& values) {
  values_.push_back({kTextArray, false, array_data(kText, values, append_string)});
  return *this;
}

bool Result::boolean(int row, int column) const {
  return *field(raw(), row, column, kBool, 1, "boolean") != 0;
}
std::int16_t Result::int2(int row, int column) const {
  return read_int<std::int16_t>(field(raw(), row, column, kInt2, 2, "smallint"));
}
std::int32_t Result::int4(int row, int column) const {
  return read_int<std::int32_t>(field(raw(), row, column, kInt4, 4, "integer"));
}
std::int64_t Result::int8(int row, int column) const {
  return read_int<std::int64_t>(field(raw(), row, column, kInt8, 8, "bigint"));
}
std::optional<std::int64_t> Result::maybe_int8(int row, int column) const {
  if (is_null(row, column)) return std::nullopt;
  return int8(row, column);
}

double Result::float8(int row, int column) const {
  return std::bit_cast<double>(
      read_int<std::uint64_t>(field(raw(), row, column, kFloat8, 8, "double precision")));
}
std::string_view Result::bytes(int row, int column) const {
  const Oid type = PQftype(raw(), column);
  const bool fits = type == kBytea || type == kText || type == kVarchar || type == kBpchar ||
                    type == kChar || type == kName;
  const char* data = field(raw(), row, column, fits ? type : kText, -1, "text or bytea");
  return {data, static_cast<std::size_t>(PQgetlength(raw(), row, column))};
}
std::vector<std::int16_t> Result::int2_array(int row, int column) const {
  std::vector<std::int16_t> out;
  read_array(raw(), row, column, kInt2Array, "smallint[]", [&](std::string_view element) {
    if (element.size() != 2) wrong_type(column, "smallint[]");
    out.push_back(read_int<std::int16_t>(element.data()));
  });
  return out;
}
std::vector<std::int64_t> Result::int8_array(int row, int column) const {
  std::vector<std::int64_t> out;
  read_array(raw(), row, column, kInt8Array, "bigint[]", [&](std::string_view element) {
    if (element.size() != 8) wrong_type(column, "bigint[]");
    out.push_back(read_int<std::int64_t>(element.data()));
  });
  return out;
}
std::vector<std::string> Result::text_array(int row, int column) const {
  std::vector<std::string> out;
  read_array(raw(), row, column, kTextArray, "text[]",
             [&](std::string_view element) { out.emplace_back(element); });
  return out;
}
std::int64_t Result::affected() const {
  return std::strtoll(PQcmdTuples(result_.get()), nullptr, 10);
}

}  // namespace mirror::db
