#include "scanner/web/page_entry.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace mirror::scanner::web {

// By sorted places: a map of the names would take as much memory as the entries.
void join_same_names(PageEntries& entries) {
  std::vector<std::uint32_t> order(entries.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return entries[a].name < entries[b].name;
  });
  bool again = false;
  for (std::size_t first = 0, at = 1; at < order.size(); ++at) {
    PageEntry& entry = entries[order[at]];
    if (entry.name != entries[order[first]].name) {
      first = at;
      continue;
    }
    merge(entries[order[first]], entry);
    entry.name.clear();
    again = true;
  }
  if (again) std::erase_if(entries, [](const PageEntry& entry) { return entry.name.empty(); });
}

}  // namespace mirror::scanner::web
