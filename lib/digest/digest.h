// What a file's content tells of FileHashes, in one pass: every algorithm is a lane, which takes
// the file's blocks in order. Lanes are made once and used for file after file. OpenSSL does the
// digests; failures of its are exceptions. A lane belongs to one thread at a time; different lanes
// may read the same block at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "core/hashes.h"

namespace mirror::digest {

inline constexpr std::size_t kBlockBytes = 256 * 1024;
inline constexpr std::size_t kLeafBytes = 16 * 1024;  // of the Merkle tree (BEP 52)

class Lane {
 public:
  virtual ~Lane() = default;
  virtual bool start(std::int64_t size_bytes) = 0;  // false: not needed for a file of this size
  virtual void add(
      std::string_view block) = 0;  // every block but the last is a multiple of kLeafBytes
  virtual void finish(FileHashes& hashes) = 0;  // writes its own members and nothing else
};

class Lanes {
 public:
  explicit Lanes(const HashKinds& kinds);
  // The lanes that a file of this size needs, the slowest first; valid until the next start().
  const std::vector<Lane*>& start(std::int64_t size_bytes);
  const std::vector<Lane*>& active() const { return active_; }
  // After exactly size_bytes bytes.
  FileHashes finish();

 private:
  HashKinds kinds_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<Lane*> active_;
  std::int64_t size_bytes_ = 0;
};

// btih, btih_v1 and btmh, as far as the pieces are known (core/torrent.h). They depend on the
// path's last segment.
void add_info_hashes(FileHashes& hashes, std::string_view path, std::int64_t size_bytes);

// The parameters that zsyncmake 0.6.2 chooses for a file of this size; blocks are doubled above
// 2^20 of them, so that the sums stay small. Without sums; block_bytes is 0 for an empty file.
ZsyncSums zsync_parameters(std::int64_t size_bytes);

std::unique_ptr<Lane> make_merkle_lane();  // pieces_root and piece_layer
std::unique_ptr<Lane> make_zsync_lane();   // zsync

}  // namespace mirror::digest
