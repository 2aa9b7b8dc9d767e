#include "core/encode.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "core/utf8.h"

namespace mirror {
namespace {

constexpr char kHexUpper[] = "0123456789ABCDEF";
constexpr char kHexLower[] = "0123456789abcdef";

bool is_alphanumeric(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

void append_escapes(std::string& out, std::string_view bytes) {
  for (const unsigned char c : bytes) out += {'%', kHexUpper[c >> 4], kHexUpper[c & 15]};
}

// C1, surrogates' neighbours U+FFFE and U+FFFF and their like on other planes, and U+FDD0 to
// U+FDEF: no characters at all.
bool is_no_character(std::uint32_t c) {
  return (c >= 0x7f && c < 0xa0) || (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);
}

std::string_view markup_reference(std::uint32_t c, Markup markup) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    case '\t':
      return "&#9;";
    case '\n':
      return "&#10;";
    case '\r':
      return markup == Markup::xml ? "&#13;" : "";  // HTML forbids the reference too
    default:
      return "";
  }
}

// Calls odd(code point, its bytes) for what is no plain text, and copies runs of what is.
template <class IsPlain, class Odd>
void append_runs(std::string& out, std::string_view text, IsPlain is_plain, Odd odd) {
  while (!text.empty()) {
    std::size_t run = 0;
    CodePoint point;
    for (; run < text.size(); run += point.length) {
      const auto byte = static_cast<unsigned char>(text[run]);
      point = byte < 0x80 ? CodePoint{byte, 1} : first_code_point(text.substr(run));
      if (point.length == 0 || !is_plain(point.value)) break;
    }
    out += text.substr(0, run);
    text.remove_prefix(run);
    if (text.empty()) return;
    const std::size_t taken = std::max<std::size_t>(point.length, 1);
    odd(point, text.substr(0, taken));
    text.remove_prefix(taken);
  }
}

}  // namespace

void append_markup(std::string& out, std::string_view text, Markup markup) {
  const auto is_plain = [markup](std::uint32_t c) {
    return c >= ' ' && !is_no_character(c) && markup_reference(c, markup).empty();
  };
  append_runs(out, text, is_plain, [&](CodePoint point, std::string_view bytes) {
    const std::string_view reference =
        point.length == 0 ? "" : markup_reference(point.value, markup);
    if (reference.empty()) {
      append_escapes(out, bytes);
    } else {
      out += reference;
    }
  });
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  append_runs(
      out, text, [](std::uint32_t c) { return c >= ' ' && c != '"' && c != '\\' && c != 0x7f; },
      [&](CodePoint point, std::string_view bytes) {
        if (point.length == 0) {
          append_escapes(out, bytes);
        } else if (point.value == '"' || point.value == '\\') {
          out += {'\\', bytes[0]};
        } else {
          fmt::format_to(std::back_inserter(out), "\\u{:04x}", point.value);
        }
      });
  out += '"';
}

void append_hex(std::string& out, std::string_view bytes) {
  std::size_t at = out.size();
  out.resize(at + 2 * bytes.size());
  for (const unsigned char c : bytes) {
    out[at++] = kHexLower[c >> 4];
    out[at++] = kHexLower[c & 15];
  }
}

void append_base64(std::string& out, std::string_view bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::size_t begin = out.size(), whole = bytes.size() / 3 * 3;
  out.resize(begin + (bytes.size() + 2) / 3 * 4);
  const auto put = [](char* to, unsigned a, unsigned b, unsigned c) {
    to[0] = kDigits[a >> 2];
    to[1] = kDigits[(a << 4 | b >> 4) & 63];
    to[2] = kDigits[(b << 2 | c >> 6) & 63];
    to[3] = kDigits[c & 63];
  };
  const auto* from = reinterpret_cast<const unsigned char*>(bytes.data());
  char* to = out.data() + begin;
  for (const auto* end = from + whole; from != end; from += 3, to += 4)
    put(to, from[0], from[1], from[2]);
  if (whole == bytes.size()) return;
  const bool two = bytes.size() - whole == 2;
  put(to, from[0], two ? from[1] : 0, 0);
  to[3] = '=';
  if (!two) to[2] = '=';
}

void append_percent(std::string& out, std::string_view bytes) {
  for (const char& c : bytes) {
    if (is_alphanumeric(static_cast<unsigned char>(c)) ||
        std::string_view("-._~").find(c) != std::string_view::npos) {
      out += c;
    } else {
      append_escapes(out, {&c, 1});
    }
  }
}

void append_line_text(std::string& out, std::string_view text) {
  append_runs(
      out, text, [](std::uint32_t c) { return c >= ' ' && !is_no_character(c); },
      [&](CodePoint, std::string_view bytes) { append_escapes(out, bytes); });
}

std::string attachment(std::string_view name) {
  std::string plain;
  bool is_ascii = true, is_utf8 = true;
  for (std::string_view rest = name; !rest.empty();) {
    const std::size_t length = first_code_point(rest).length;
    is_utf8 &= length != 0;
    is_ascii &= length == 1;
    // Quotes, backslashes and percents are read differently by different clients.
    const bool fits = length == 1 && rest[0] >= ' ' && rest[0] != 0x7f &&
                      std::string_view("\"\\%/").find(rest[0]) == rest.npos;
    plain += fits ? rest[0] : '_';
    rest.remove_prefix(std::max<std::size_t>(length, 1));
  }
  std::string out = fmt::format("attachment; filename=\"{}\"", plain);
  if (!is_utf8 || (is_ascii && plain == name)) return out;
  out += "; filename*=UTF-8''";
  append_percent(out, name);
  return out;
}

}  // namespace mirror
