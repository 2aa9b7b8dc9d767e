#include "hashing/pool.h"

#include <algorithm>

namespace mirror::hash {
namespace {

// Helpers are woken without the pool's lock, so a call may be missed.
constexpr std::chrono::milliseconds kLook(5);

// Small files are handed back so many at a time: a call for each would cost as much as hashing a
// few kilobytes.
constexpr std::size_t kResultsAtOnce = 64;

// The more threads, the less each keeps: all of it together stays small.
std::size_t ring_blocks(int threads) { return threads <= 16 ? 4 : 2; }

}  // namespace

Pool::Pool(Shared& shared, int threads) : shared_(shared), ring_blocks_(ring_blocks(threads)) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

Pool::~Pool() {
  {
    const std::lock_guard guard(mutex_);
    over_ = shared_.over = true;
    queue_.clear();
  }
  work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Pool::submit(Job job) {
  {
    const std::lock_guard guard(mutex_);
    queue_.push_back(std::move(job));
    ++in_hand_;
  }
  work_.notify_one();
}

std::size_t Pool::queued() const {
  const std::lock_guard guard(mutex_);
  return queue_.size();
}

std::size_t Pool::in_hand() const {
  const std::lock_guard guard(mutex_);
  return in_hand_;
}

std::vector<Done> Pool::take(std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  done_.wait_for(lock, wait, [this] { return enough(); });
  in_hand_ -= results_.size();
  return std::exchange(results_, {});
}

bool Pool::enough() const {
  return results_.size() >= kResultsAtOnce || results_.size() == in_hand_;
}

// Helps with one step of any pass; false when no pass had one.
bool help_any(const std::vector<Hasher::Pass>& passes) {
  return std::any_of(passes.begin(), passes.end(),
                     [](const Hasher::Pass& pass) { return pass->help(); });
}

void Pool::work() {
  Hasher hasher(shared_, ring_blocks_,
                {[this](const Hasher::Pass& pass) {
                   const std::lock_guard guard(mutex_);
                   passes_.push_back(pass);
                 },
                 [this](const Hasher::Pass& pass) {
                   const std::lock_guard guard(mutex_);
                   std::erase(passes_, pass);
                 },
                 [this] {
                   if (idle_ > 0) work_.notify_one();
                 }});
  std::unique_lock lock(mutex_);
  while (!over_) {
    if (!queue_.empty()) {
      Job job = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      Done done = hasher.run(std::move(job));
      lock.lock();
      results_.push_back(std::move(done));
      if (enough()) done_.notify_one();
      continue;
    }
    if (!passes_.empty()) {
      const std::vector<Hasher::Pass> passes = passes_;
      lock.unlock();
      const bool helped = help_any(passes);
      lock.lock();
      if (helped) continue;
    }
    ++idle_;
    passes_.empty() ? work_.wait(lock) : static_cast<void>(work_.wait_for(lock, kLook));
    --idle_;
  }
}

}  // namespace mirror::hash
