// BEP 52's tree: a binary tree of SHA-256 over leaves of 16 KiB, filled up with zeros to a power of
// two.
#include <array>
#include <vector>

#include "digest/digest.h"
#include "digest/evp.h"

namespace mirror::digest {
namespace {

using Node = std::array<unsigned char, 32>;

std::string_view bytes_of(const Node& node) {
  return {reinterpret_cast<const char*>(node.data()), node.size()};
}

class MerkleLane : public Lane {
 public:
  bool start(std::int64_t size_bytes) override {
    const std::int64_t piece_bytes = piece_bytes_of(size_bytes);
    piece_level_ = -1;
    if (size_bytes > piece_bytes) {
      piece_level_ = 0;
      while ((static_cast<std::int64_t>(kLeafBytes) << piece_level_) < piece_bytes) ++piece_level_;
    }
    height_ = 0;
    while ((static_cast<std::int64_t>(kLeafBytes) << height_) < size_bytes) ++height_;
    waiting_.assign(static_cast<std::size_t>(height_) + 1, {});
    layer_.clear();
    return size_bytes > 0;
  }

  void add(std::string_view block) override {
    for (; !block.empty(); block.remove_prefix(std::min(kLeafBytes, block.size()))) {
      evp_.add(block.substr(0, kLeafBytes));
      Node leaf;
      evp_.finish(leaf.data());
      push(leaf, 0);
    }
  }

  void finish(FileHashes& hashes) override {
    Node zero{};
    for (int level = 0; level < height_; ++level) {
      Waiting& left = waiting_[static_cast<std::size_t>(level)];
      if (left.there) {
        left.there = false;
        push(pair(left.node, zero), level + 1);
      }
      zero = pair(zero, zero);
    }
    hashes.pieces_root = bytes_of(waiting_.back().node);
    hashes.piece_layer = layer_;
  }

 private:
  struct Waiting {  // a node that waits for its right neighbour
    bool there = false;
    Node node;
  };

  Node pair(const Node& left, const Node& right) {
    evp_.add(bytes_of(left));
    evp_.add(bytes_of(right));
    Node parent;
    evp_.finish(parent.data());
    return parent;
  }

  void push(Node node, int level) {
    for (;; ++level) {
      if (level == piece_level_) layer_ += bytes_of(node);
      Waiting& left = waiting_.at(static_cast<std::size_t>(level));
      if (!left.there) {
        left = {true, node};
        return;
      }
      left.there = false;
      node = pair(left.node, node);
    }
  }

  Evp evp_{"SHA256"};
  std::vector<Waiting> waiting_;  // by level
  int piece_level_ = -1;          // -1: the file has one piece, and so no layer
  int height_ = 0;
  std::string layer_;
};

}  // namespace

std::unique_ptr<Lane> make_merkle_lane() { return std::make_unique<MerkleLane>(); }

}  // namespace mirror::digest
