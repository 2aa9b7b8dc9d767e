// zsync 0.6.2's block sums: for each block the end of its rolling sum and the beginning of its MD4.
#include <algorithm>
#include <cmath>
#include <string>

#include "digest/digest.h"
#include "digest/md4.h"

namespace mirror::digest {
namespace {

constexpr std::int64_t kMaxBlocks = 1 << 20;

// librcksum's sum: a of all bytes, b of all bytes weighted by their distance to the end, both
// modulo 2^16, a first.
std::array<char, 4> rolling_sum(std::string_view block) {
  std::uint32_t a = 0, b = 0, weight = static_cast<std::uint32_t>(block.size());
  for (const unsigned char byte : block) {
    a += byte;
    b += byte * weight--;
  }
  return {static_cast<char>(a >> 8), static_cast<char>(a), static_cast<char>(b >> 8),
          static_cast<char>(b)};
}

class ZsyncLane : public Lane {
 public:
  bool start(std::int64_t size_bytes) override {
    zsync_ = zsync_parameters(size_bytes);
    partial_.clear();
    if (size_bytes == 0) return false;
    const std::int64_t blocks = (size_bytes + zsync_.block_bytes - 1) / zsync_.block_bytes;
    zsync_.sums.reserve(static_cast<std::size_t>(blocks * (zsync_.rsum_bytes + zsync_.md4_bytes)));
    return true;
  }
  void add(std::string_view bytes) override {
    const auto block = static_cast<std::size_t>(zsync_.block_bytes);
    if (!partial_.empty()) {
      const std::string_view part = bytes.substr(0, block - partial_.size());
      partial_ += part;
      bytes.remove_prefix(part.size());
      if (partial_.size() < block) return;
      add_block(partial_);
      partial_.clear();
    }
    for (; bytes.size() >= block; bytes.remove_prefix(block)) add_block(bytes.substr(0, block));
    partial_ = bytes;
  }
  void finish(FileHashes& hashes) override {
    if (!partial_.empty()) {
      partial_.resize(static_cast<std::size_t>(zsync_.block_bytes), '\0');
      add_block(partial_);
    }
    hashes.zsync = std::move(zsync_);
  }

 private:
  void add_block(std::string_view block) {
    const auto sum = rolling_sum(block);
    const auto strong = md4(block);
    zsync_.sums.append(sum.end() - zsync_.rsum_bytes, sum.end());
    zsync_.sums.append(strong.begin(), strong.begin() + zsync_.md4_bytes);
  }
  ZsyncSums zsync_;
  std::string partial_;
};

}  // namespace

ZsyncSums zsync_parameters(std::int64_t size_bytes) {
  ZsyncSums zsync;
  if (size_bytes <= 0) return zsync;
  std::int64_t block = size_bytes < 100'000'000 ? 2048 : 4096;
  while (size_bytes > block * kMaxBlocks) block *= 2;
  const double size = static_cast<double>(size_bytes),
               blocks = static_cast<double>(1 + size_bytes / block);
  zsync.block_bytes = static_cast<std::int32_t>(block);
  zsync.seq_matches = size_bytes > block ? 2 : 1;
  const double rsum =
      std::ceil(((std::log(size) + std::log(block)) / std::log(2) - 8.6) / zsync.seq_matches / 8);
  zsync.rsum_bytes = std::clamp(static_cast<std::int32_t>(rsum), 2, 4);
  const double strong =
      std::ceil((20 + (std::log(size) + std::log(blocks)) / std::log(2)) / zsync.seq_matches / 8);
  const double least = (7.9 + (20 + std::log(blocks) / std::log(2))) / 8;
  zsync.md4_bytes = std::clamp(
      std::max(static_cast<std::int32_t>(strong), static_cast<std::int32_t>(least)), 3, 16);
  return zsync;
}

std::unique_ptr<Lane> make_zsync_lane() { return std::make_unique<ZsyncLane>(); }

}  // namespace mirror::digest
