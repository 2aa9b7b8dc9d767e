// The most frequent keys of a stream in bounded memory, however many different ones there are: each
// count is at least the true one, and beyond it by no more than `error` says. Plain value, pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mirror {

class HeavyHitters {
 public:
  struct Counted {
    std::string key;
    std::int64_t count = 0;  // at least the true one
    std::int64_t error = 0;  // at most so much too high
    std::int64_t bytes = 0;  // since the key is counted without a break
  };

  // Keeps at most twice as many keys; what occurs more often than total / keys is always among
  // them. REQUIRES: keys > 0.
  explicit HeavyHitters(std::size_t keys = 10'000) : keys_(keys) {}

  void add(std::string_view key, std::int64_t bytes) {
    const std::string_view kept = key.substr(0, kMaxKeyBytes);
    auto found = counts_.find(std::string(kept));
    if (found == counts_.end()) {
      if (counts_.size() >= 2 * keys_) shrink();
      found = counts_.emplace(kept, Count{floor_, floor_, 0}).first;
    }
    ++found->second.count;
    found->second.bytes += bytes;
  }

  // The most frequent ones first, equal ones by their keys.
  std::vector<Counted> top(std::size_t most) const {
    std::vector<Counted> all;
    for (const auto& [key, count] : counts_)
      all.push_back({key, count.count, count.error, count.bytes});
    const auto end = all.begin() + static_cast<std::ptrdiff_t>(std::min(most, all.size()));
    std::partial_sort(all.begin(), end, all.end(), [](const Counted& a, const Counted& b) {
      return a.count != b.count ? a.count > b.count : a.key < b.key;
    });
    all.erase(end, all.end());
    return all;
  }

  static constexpr std::size_t kMaxKeyBytes = 512;  // of longer ones the rest is cut

 private:
  struct Count {
    std::int64_t count, error, bytes;
  };

  // Only the most frequent keys stay. One that comes anew may have been dropped with as many.
  void shrink() {
    std::vector<std::int64_t> counts;
    for (const auto& entry : counts_) counts.push_back(entry.second.count);
    const auto middle = counts.begin() + static_cast<std::ptrdiff_t>(keys_);
    std::nth_element(counts.begin(), middle, counts.end(), std::greater<>());
    floor_ = *middle;
    std::erase_if(counts_, [this](const auto& entry) { return entry.second.count <= floor_; });
  }

  std::size_t keys_;
  std::int64_t floor_ = 0;
  std::unordered_map<std::string, Count> counts_;
};

}  // namespace mirror
