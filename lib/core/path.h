// The rules for paths (DESIGN: any bytes but NUL, 1 to 2,048, no leading slash, no `..`) and their
// spelling in URLs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mirror {

inline constexpr std::size_t kMaxPathBytes = 2048;

enum class PathFault { none, empty, too_long, leading_slash, dot_segment, empty_segment, nul };
std::string_view path_fault_text(PathFault fault);

// Whether `path` may name a file of the tree. A trailing slash counts as an empty segment.
PathFault check_path(std::string_view path);

// The folder in which a path lies; "": the root. A view of `path`.
std::string_view parent_folder(std::string_view path);

// Percent-decodes a URL path or query value (RFC 3986 §2.1); nullopt for a broken escape or an
// encoded NUL.
std::optional<std::string> percent_decode(std::string_view text);

// Appends `path` to `out` as a URL path: unreserved characters and '/' as they are, a small set of
// harmless sub-delims too, every other byte as %XX (RFC 3986 §3.3). '+' is encoded since object
// stores read it as a space.
void append_url_path(std::string& out, std::string_view path);

// Appends '?' and a client's query to `out`. Escapes in it stay as they are. Bytes that a URL may
// not have (control characters, space, quotes, angle brackets, '#', bytes above ASCII) become %XX.
void append_url_query(std::string& out, std::string_view query);

std::string url_path(std::string_view path);

// `base` (ends in '/') followed by the escaped path.
std::string file_url(std::string_view base, std::string_view path);

// Bytes as a person may read them on one line: printable UTF-8 stays, control characters and broken
// UTF-8 become \xNN, a backslash doubles.
std::string printable(std::string_view bytes);

}  // namespace mirror
