// One entry of a listing, as every method of listing gives it. A plain value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mirror::scanner {

enum class ListedKind : std::uint8_t { file, directory, link, special };

// Of a file whose time nobody tells: before all times that a file may have.
inline constexpr std::int64_t kNoTime_s = -(std::int64_t{1} << 50);

struct Entry {
  ListedKind kind = ListedKind::file;
  bool world_readable = false;  // others may read it; a directory: read and search it
  std::int64_t size_bytes = 0;
  std::int64_t mtime_s = 0;  // Unix time
  std::string path;          // unescaped, as listed, not checked
  std::string target;        // of a link
  bool odd_time = false;     // its time is none that a listing can tell: mtime_s means nothing
  std::optional<std::int64_t> ctime_ns = {};  // the inode's last change, where a method sees it
};

}  // namespace mirror::scanner
