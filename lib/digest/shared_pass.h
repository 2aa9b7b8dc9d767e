// One file that several threads hash together: its owner reads blocks into a ring, and whoever has
// time takes the lane that is behind most one block further. Without helpers the owner does it all,
// at no more cost than a loop.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <span>
#include <vector>

#include "digest/digest.h"

namespace mirror::digest {

class SharedPass {
 public:
  // Fills `into` as far as the file goes; less than its size means the end. May throw, which ends
  // the pass.
  using Read = std::function<std::size_t(std::span<char> into)>;

  // `ring` is cut into blocks of kBlockBytes. `wake` is called when there is work for others. All
  // must outlive the pass.
  SharedPass(const std::vector<Lane*>& lanes, std::span<char> ring, std::function<void()> wake);
  // The owner's part: returns when every lane has had every block, with the bytes read; throws what
  // reading or a lane threw.
  std::int64_t run(const Read& read);
  // Any other thread's, while run() lasts: one step, or false when there is nothing to do now.
  bool help();

 private:
  struct Progress {
    Lane* lane;
    std::int64_t done = 0;  // blocks
    bool busy = false;
  };
  Progress* next();
  bool idle() const;  // nobody works on a lane
  void advance(std::unique_lock<std::mutex>& lock, Progress& progress);
  void read_block(std::unique_lock<std::mutex>& lock, const Read& read);
  std::span<char> slot(std::int64_t block) const;

  std::mutex mutex_;
  std::condition_variable changed_;  // for the owner
  std::vector<Progress> lanes_;
  std::span<char> ring_;
  std::function<void()> wake_;
  std::vector<std::size_t> lengths_;  // of the ring's blocks
  std::int64_t filled_ = 0;           // blocks read
  std::int64_t bytes_ = 0;
  bool ended_ = false;
  std::exception_ptr error_;
};

}  // namespace mirror::digest
