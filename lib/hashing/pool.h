// The threads. Each hashes files from the queue; if the queue is empty, it helps with the large
// files of the others. Only the thread that made the pool may call the members.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "hashing/hasher.h"

namespace mirror::hash {

class Pool {
 public:
  Pool(Shared& shared, int threads);
  ~Pool();  // what is still queued is dropped
  void submit(Job job);
  std::size_t queued() const;   // not yet begun
  std::size_t in_hand() const;  // submitted and not yet taken
  std::vector<Done> take(
      std::chrono::milliseconds wait);  // what is done; waits until that is some or all of it

 private:
  void work();
  bool enough() const;  // to be taken; with the lock
  Shared& shared_;
  const std::size_t ring_blocks_;
  mutable std::mutex mutex_;
  std::condition_variable work_, done_;
  std::deque<Job> queue_;
  std::vector<Done> results_;
  std::vector<Hasher::Pass> passes_;
  std::size_t in_hand_ = 0;
  std::atomic<int> idle_{0};
  bool over_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace mirror::hash
