// One entry of a directory index, as its page shows it. Plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "scanner/list/listed_time.h"

namespace mirror::scanner::web {

inline constexpr std::size_t kMostEntries = 200'000;  // of one page
inline constexpr std::string_view kTooManyEntries = "has more than 200000 entries";

// A size that may have been rounded: the file's is one of low to high, both included.
struct ListedSize {
  std::int64_t low = 0, high = 0;

  bool exact() const { return low == high; }
  bool fits(std::int64_t size_bytes) const { return low <= size_bytes && size_bytes <= high; }
};

struct PageEntry {
  std::string name;  // bytes as the server's file system has them; no slash
  bool is_folder = false;
  std::optional<ListedSize> size;  // nullopt: the page does not tell
  std::optional<ListedTime> time;
};

// What is known of a name that a page has again.
inline void merge(PageEntry& entry, const PageEntry& again) {
  entry.is_folder = entry.is_folder || again.is_folder;
  if (!entry.size) entry.size = again.size;
  if (!entry.time) entry.time = again.time;
}

}  // namespace mirror::scanner::web
