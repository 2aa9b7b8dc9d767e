// One entry of a directory index, as its page shows it. Plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

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

// So many that they are never copied to a larger place.
using PageEntries = std::deque<PageEntry>;

// What is known of a name that a page has again.
inline void merge(PageEntry& entry, const PageEntry& again) {
  entry.is_folder = entry.is_folder || again.is_folder;
  if (!entry.size) entry.size = again.size;
  if (!entry.time) entry.time = again.time;
}

// Adds an entry. Names that come again later are joined by join_same_names().
inline void append(PageEntries& entries, PageEntry&& entry) {
  if (!entries.empty() && entries.back().name == entry.name)
    merge(entries.back(), entry);
  else
    entries.push_back(std::move(entry));
}
// Leaves each name once, where it came first.
void join_same_names(PageEntries& entries);

}  // namespace mirror::scanner::web
