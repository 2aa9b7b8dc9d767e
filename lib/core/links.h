// Resolves symbolic links of a source tree by names alone, to the real path inside the tree.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace mirror {

inline constexpr int kMaxLinks = 40;  // POSIX ELOOP

// Finds the target of the link at `path`: nullopt when `path` is no link.
using ReadLink = std::function<std::optional<std::string>(const std::string& path)>;

// The real path of `path` (relative to the root, valid by check_path) after following every link in
// it, prefixes too, in the way the kernel does; the result itself is not checked for existence, and
// is "" for the root. nullopt when the way escapes the root, meets an absolute or empty target,
// takes more than kMaxLinks links or grows beyond kMaxPathBytes.
std::optional<std::string> resolve_links(std::string_view path, const ReadLink& read_link);

// The path `rest` below a link to `target`. Either may be ""; a target "" is the root.
std::string below_link(std::string_view target, std::string_view rest);

}  // namespace mirror
