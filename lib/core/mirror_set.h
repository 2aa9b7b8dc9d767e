// A set of mirrors, as a lookup returns it: a view that copies nothing and does not own its memory.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

namespace mirror {

using MirrorId = std::int16_t;  // 1 to 32767, never reused

class MirrorSet {
 public:
  MirrorSet() = default;
  MirrorSet(std::span<const MirrorId> list) : list_(list) {}  // in whatever order
  MirrorSet(const std::vector<MirrorId>& list) : list_(list) {}
  // A bit for each id, from id 0 on, the lowest of a byte first. Only whole words count, and no
  // more than there are ids.
  static MirrorSet of_bits(std::string_view bits) {
    constexpr std::size_t kMaxBytes = (std::numeric_limits<MirrorId>::max() + 1) / 8;
    MirrorSet set;
    set.bits_ = bits.substr(
        0, std::min(kMaxBytes, bits.size() / sizeof(std::uint64_t) * sizeof(std::uint64_t)));
    return set;
  }

  // One of these is empty.
  std::span<const MirrorId> list() const { return list_; }
  std::string_view bits() const { return bits_; }
  std::size_t words() const { return bits_.size() / sizeof(std::uint64_t); }  // of bits()
  std::uint64_t word(std::size_t at) const {
    std::uint64_t value;
    std::memcpy(&value, bits_.data() + at * sizeof value, sizeof value);
    return value;
  }

  std::size_t size() const {
    std::size_t count = list_.size();
    for (std::size_t at = 0; at < words(); ++at)
      count += static_cast<std::size_t>(std::popcount(word(at)));
    return count;
  }
  bool empty() const { return size() == 0; }

  std::vector<MirrorId> ids() const {
    std::vector<MirrorId> all(list_.begin(), list_.end());
    for (std::size_t at = 0; at < words(); ++at) {
      for (std::uint64_t left = word(at); left != 0; left &= left - 1) {
        all.push_back(
            static_cast<MirrorId>(at * 64 + static_cast<std::size_t>(std::countr_zero(left))));
      }
    }
    return all;
  }

 private:
  std::span<const MirrorId> list_;
  std::string_view bits_;
};

}  // namespace mirror
