// How bytes are escaped for each output language: one writer each. All append to `out`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mirror {

enum class Markup : std::uint8_t { xml, html };

// Text or an attribute's value between quotes of either kind. Bytes that the language cannot
// contain, even as a reference (most control characters, non-characters, broken UTF-8), are written
// as %XX, as in URLs.
void append_markup(std::string& out, std::string_view text, Markup markup);

// A JSON string with its quotes (RFC 8259 §7). Each byte of broken UTF-8 is written as %XX.
void append_json_string(std::string& out, std::string_view text);

void append_hex(std::string& out, std::string_view bytes);     // lower case
void append_base64(std::string& out, std::string_view bytes);  // RFC 4648 §4
void append_percent(std::string& out,
                    std::string_view bytes);  // all but RFC 3986's unreserved characters as %XX

// A line's text: control characters and broken UTF-8 are written as %XX.
void append_line_text(std::string& out, std::string_view text);

// `attachment` with the file's name (RFC 6266): in ASCII, and as it is where it is UTF-8.
std::string attachment(std::string_view name);

}  // namespace mirror
