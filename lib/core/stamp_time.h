// The time in a stamp: a small file by which the scripts of projects and mirrors say how new a tree
// is. Pure; reads what strangers wrote.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mirror {

// The Unix time that the first line says; nullopt if it says none for certain. It is one of:
//   1764439201  1764439201.25     Unix time of nine or ten digits; a fraction is cut off
//   1764439201250                 thirteen digits are milliseconds
//   2026-11-29T18:00:01Z          RFC 3339; a blank in place of the T, no seconds, +0100, and UTC
//                                 after a blank are all right
//   Sun, 29 Nov 2026 18:00:01 +0000     RFC 2822, and HTTP's three forms (RFC 9110 §5.6.7)
//   Sun Nov 29 18:00:01 UTC 2026        as date(1) prints it, also with AM or PM
// The time zone must be UTC, GMT, UT, Z or an offset: other names mean different things in
// different places. A day of the week is not compared with the date.
std::optional<std::int64_t> parse_stamp(std::string_view text);

}  // namespace mirror
