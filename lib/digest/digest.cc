#include "digest/digest.h"

#include "core/info_dictionary.h"
#include "digest/evp.h"

namespace mirror::digest {
namespace {

// A digest of the whole file.
class WholeLane : public Lane {
 public:
  WholeLane(const char* name, std::string FileHashes::*member) : evp_(name), member_(member) {}
  bool start(std::int64_t) override {
    evp_.restart();
    return true;
  }
  void add(std::string_view block) override { evp_.add(block); }
  void finish(FileHashes& hashes) override { hashes.*member_ = evp_.finish(); }

 private:
  Evp evp_;
  std::string FileHashes::*member_;
};

// BEP 3's pieces.
class PiecesLane : public Lane {
 public:
  bool start(std::int64_t size_bytes) override {
    piece_bytes_ = piece_bytes_of(size_bytes);
    left_ = piece_bytes_;
    pieces_.clear();
    evp_.restart();
    return true;
  }
  void add(std::string_view block) override {
    while (!block.empty()) {
      const std::string_view part = block.substr(0, static_cast<std::size_t>(left_));
      evp_.add(part);
      block.remove_prefix(part.size());
      left_ -= static_cast<std::int64_t>(part.size());
      if (left_ == 0) end_piece();
    }
  }
  void finish(FileHashes& hashes) override {
    if (left_ < piece_bytes_) end_piece();
    hashes.sha1_pieces = pieces_;
  }

 private:
  void end_piece() {
    pieces_ += evp_.finish();
    left_ = piece_bytes_;
  }
  Evp evp_{"SHA1"};
  std::int64_t piece_bytes_ = 0, left_ = 0;
  std::string pieces_;
};

}  // namespace

// Slowest lanes first: their last blocks are then taken early, and the pass ends early.
Lanes::Lanes(const HashKinds& kinds) : kinds_(kinds) {
  const auto whole = [&](bool wanted, const char* name, std::string FileHashes::*member) {
    if (wanted) lanes_.push_back(std::make_unique<WholeLane>(name, member));
  };
  whole(kinds.md5, "MD5", &FileHashes::md5);
  whole(kinds.sha512, "SHA512", &FileHashes::sha512);
  if (kinds.zsync) lanes_.push_back(make_zsync_lane());
  whole(kinds.sha1, "SHA1", &FileHashes::sha1);
  whole(kinds.sha256, "SHA256", &FileHashes::sha256);
  if (kinds.merkle) lanes_.push_back(make_merkle_lane());
  if (kinds.pieces) lanes_.push_back(std::make_unique<PiecesLane>());
}

const std::vector<Lane*>& Lanes::start(std::int64_t size_bytes) {
  size_bytes_ = size_bytes;
  active_.clear();
  for (const auto& lane : lanes_) {
    // The only piece is the file, and so is the only leaf.
    if (kinds_.sha1 && size_bytes <= piece_bytes_of(size_bytes) &&
        dynamic_cast<PiecesLane*>(lane.get()))
      continue;
    if (lane->start(size_bytes)) active_.push_back(lane.get());
  }
  return active_;
}

FileHashes Lanes::finish() {
  FileHashes hashes;
  for (Lane* lane : active_) lane->finish(hashes);
  if (kinds_.pieces) {
    hashes.piece_bytes = piece_bytes_of(size_bytes_);
    if (kinds_.sha1 && size_bytes_ > 0 && size_bytes_ <= hashes.piece_bytes)
      hashes.sha1_pieces = hashes.sha1;
  }
  return hashes;
}

void add_info_hashes(FileHashes& hashes, std::string_view path, std::int64_t size_bytes) {
  hashes.btih.clear();
  hashes.btih_v1.clear();
  hashes.btmh.clear();
  if (hashes.piece_bytes == 0) return;
  thread_local Evp sha1("SHA1"), sha256("SHA256");
  sha1.add(info_dictionary(path, size_bytes, hashes, TorrentForm::v1));
  hashes.btih_v1 = sha1.finish();
  if (hashes.pieces_root.empty() && size_bytes > 0) return;
  const std::string hybrid = info_dictionary(path, size_bytes, hashes, TorrentForm::hybrid);
  sha1.add(hybrid);
  hashes.btih = sha1.finish();
  sha256.add(hybrid);
  hashes.btmh = sha256.finish();
}

}  // namespace mirror::digest
