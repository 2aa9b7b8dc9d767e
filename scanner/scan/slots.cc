#include "scanner/scan/slots.h"

#include <algorithm>

namespace mirror::scanner {
namespace {

constexpr std::int64_t kUsefulEntries = 1000;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Slots::Slots(int jobs, int slow_after_s)
    : jobs_(static_cast<std::size_t>(std::max(jobs, 1))), slow_after_s_(slow_after_s) {}

Slots::Slot* Slots::take(const std::string& name) {
  const std::lock_guard guard(mutex_);
  const Count now = count();
  if (now.busy - now.slow >= jobs_ || now.busy >= most()) return nullptr;
  auto slot =
      std::find_if(slots_.begin(), slots_.end(), [](const Slot& one) { return one.name.empty(); });
  if (slot == slots_.end()) {
    slots_.emplace_back();
    slot = std::prev(slots_.end());
  }
  slot->name = name;
  slot->start = slot->window = Clock::now();
  slot->entries = slot->entries_at_window = 0;
  slot->slow = false;
  return &*slot;
}

void Slots::give_back(Slot& slot) {
  const std::lock_guard guard(mutex_);
  slot.name.clear();
}

std::size_t Slots::of_use() {
  const std::lock_guard guard(mutex_);
  return std::min(jobs_ + count().slow, most());
}

std::vector<Running> Slots::running() {
  const std::lock_guard guard(mutex_);
  std::vector<Running> running;
  for (const Slot& slot : slots_)
    if (!slot.name.empty()) running.push_back({slot.name, slot.entries, seconds_since(slot.start)});
  return running;
}

Slots::Count Slots::count() {
  Count now;
  for (Slot& slot : slots_) {
    if (slot.name.empty()) continue;
    look_for_slowness(slot);
    ++now.busy;
    now.slow += slot.slow ? 1 : 0;
  }
  return now;
}

void Slots::look_for_slowness(Slot& slot) const {
  if (slot.slow || seconds_since(slot.window) < slow_after_s_) return;
  const std::int64_t entries = slot.entries;
  slot.slow = entries - slot.entries_at_window < kUsefulEntries;
  slot.window = Clock::now();
  slot.entries_at_window = entries;
}

}  // namespace mirror::scanner
