#include "digest/shared_pass.h"

#include <algorithm>

namespace mirror::digest {

SharedPass::SharedPass(const std::vector<Lane*>& lanes, std::span<char> ring,
                       std::function<void()> wake)
    : ring_(ring), wake_(std::move(wake)), lengths_(ring.size() / kBlockBytes) {
  for (Lane* lane : lanes) lanes_.push_back({lane});
}

std::span<char> SharedPass::slot(std::int64_t block) const {
  return ring_.subspan(static_cast<std::size_t>(block) % lengths_.size() * kBlockBytes,
                       kBlockBytes);
}

SharedPass::Progress* SharedPass::next() {
  Progress* last = nullptr;
  if (error_) return last;
  for (Progress& lane : lanes_) {
    if (!lane.busy && lane.done < filled_ && (!last || lane.done < last->done)) last = &lane;
  }
  return last;
}

bool SharedPass::idle() const {
  return std::none_of(lanes_.begin(), lanes_.end(), [](const Progress& lane) { return lane.busy; });
}

void SharedPass::advance(std::unique_lock<std::mutex>& lock, Progress& progress) {
  progress.busy = true;
  const std::size_t length = lengths_[static_cast<std::size_t>(progress.done) % lengths_.size()];
  const std::span<char> block = slot(progress.done).first(length);
  lock.unlock();
  std::exception_ptr error;
  try {
    progress.lane->add({block.data(), block.size()});
  } catch (...) {
    error = std::current_exception();
  }
  lock.lock();
  progress.busy = false;
  ++progress.done;
  if (error && !error_) error_ = error;
  changed_.notify_one();
}

void SharedPass::read_block(std::unique_lock<std::mutex>& lock, const Read& read) {
  lock.unlock();
  std::exception_ptr error;
  std::size_t length = 0;
  try {
    length = read(slot(filled_));
  } catch (...) {
    error = std::current_exception();
  }
  lock.lock();
  if (error && !error_) error_ = error;
  ended_ = length < kBlockBytes;
  if (length == 0) return;
  lengths_[static_cast<std::size_t>(filled_) % lengths_.size()] = length;
  bytes_ += static_cast<std::int64_t>(length);
  ++filled_;
  wake_();
}

std::int64_t SharedPass::run(const Read& read) {
  std::unique_lock lock(mutex_);
  for (;;) {
    std::int64_t behind = filled_;
    for (const Progress& lane : lanes_) behind = std::min(behind, lane.done);
    if (!error_ && !ended_ && filled_ - behind < static_cast<std::int64_t>(lengths_.size())) {
      read_block(lock, read);
    } else if (Progress* const lane = next()) {
      advance(lock, *lane);
    } else if (idle()) {
      break;
    } else {
      changed_.wait(lock);
    }
  }
  if (error_) std::rethrow_exception(error_);
  return bytes_;
}

bool SharedPass::help() {
  std::unique_lock lock(mutex_);
  Progress* const lane = next();
  if (!lane) return false;
  advance(lock, *lane);
  return true;
}

}  // namespace mirror::digest
