#include "scanner/s3/key_ranges.h"

#include <algorithm>

namespace mirror::scanner::s3 {

std::vector<KeyRange> cut_ranges(const std::string& after, std::vector<std::string> keys,
                                 std::size_t most) {
  std::erase_if(keys, [&](const std::string& key) { return key <= after; });
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  std::vector<KeyRange> ranges{{after, ""}};
  const std::size_t step = keys.size() / most + 1;
  for (std::size_t at = step - 1; at < keys.size(); at += step) {
    ranges.back().to = keys[at];
    ranges.push_back({keys[at], ""});
  }
  return ranges;
}

}  // namespace mirror::scanner::s3
