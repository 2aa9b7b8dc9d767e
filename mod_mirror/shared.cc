#include "shared.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <stdexcept>
#include <system_error>

#include "core/fnv.h"

namespace mirror::httpd {
namespace {

constexpr std::chrono::minutes kOtherHost{5};

static_assert(std::atomic<std::int64_t>::is_always_lock_free &&
                  std::atomic<std::int32_t>::is_always_lock_free &&
                  std::atomic<bool>::is_always_lock_free,
              "locks inside atomics would not work between processes");

std::int64_t in_ns(SharedClock::time_point time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

// Process ids are used again: a process of another process group is not one of ours.
bool is_sibling(std::int32_t pid) { return getpgid(pid) == getpgrp(); }

// Never 0.
std::uint64_t key_of(const std::string& text) { return fnv1a(text) | 1; }

}  // namespace

ConnectionSlot SharedDatabase::take_slot(int limit) { return take(holders_, limit); }

ConnectionSlot SharedDatabase::take(std::span<Holder> holders, int limit) {
  const std::int32_t self = getpid();
  for (int i = 0; i < limit; ++i) {
    std::int32_t nobody = 0;
    if (holders[i].compare_exchange_strong(nobody, self)) return ConnectionSlot(&holders[i]);
  }
  for (int i = 0; i < limit; ++i) {
    std::int32_t holder = holders[i].load();
    if (holder != 0 && is_sibling(holder)) continue;
    if (holders[i].compare_exchange_strong(holder, self)) return ConnectionSlot(&holders[i]);
  }
  return {};
}

int SharedDatabase::slots_in_use(int limit) const {
  int count = 0;
  for (int i = 0; i < limit; ++i) count += holders_[i].load(std::memory_order_relaxed) != 0;
  return count;
}

bool SharedDatabase::in_use() const {
  return std::any_of(holders_.begin(), holders_.end(),
                     [](const auto& holder) { return holder != 0 && is_sibling(holder); });
}

void SharedDatabase::forget_own_slots() {
  const auto forget = [](Holder& holder) {
    std::int32_t self = getpid();
    holder.compare_exchange_strong(self, 0);
  };
  std::for_each(holders_.begin(), holders_.end(), forget);
  std::for_each(large_holders_.begin(), large_holders_.end(), forget);
}

void SharedDatabase::ask_for_slot(SharedClock::duration moment) {
  asked_by_ = getpid();
  asked_until_ns_ = in_ns(SharedClock::now() + moment);
}

int SharedDatabase::slots_of(std::int32_t process, int limit) const {
  return static_cast<int>(std::count(holders_.begin(), holders_.begin() + limit, process));
}

int SharedDatabase::own_slots(int limit) const { return slots_of(getpid(), limit); }

bool SharedDatabase::others_starve(int limit) const {
  return others_ask() && slots_of(asked_by_.load(), limit) == 0 && own_slots(limit) > 0;
}

bool SharedDatabase::others_ask() const {
  return asked_until_ns_.load() > in_ns(SharedClock::now()) && asked_by_.load() != getpid();
}

std::size_t SharedDatabase::first_host() const {
  return first_host_until_ns_.load() > in_ns(SharedClock::now()) ? first_host_.load() : 0;
}

void SharedDatabase::remember_host(std::size_t host) {
  if (host == first_host()) return;
  first_host_ = static_cast<std::uint32_t>(host);
  first_host_until_ns_ = in_ns(SharedClock::now() + kOtherHost);
}

bool SharedDatabase::trip(SharedClock::duration first_probe_in) {
  if (down_.exchange(true)) return false;
  ++outages_;
  outage_log.reset();
  postpone_probe(first_probe_in);
  return true;
}

void SharedDatabase::note_answer() { answered_at_ns_.store(in_ns(SharedClock::now())); }

SharedClock::time_point SharedDatabase::answered_at() const {
  return SharedClock::time_point(std::chrono::nanoseconds(answered_at_ns_.load()));
}

bool SharedDatabase::claim_probe(SharedClock::duration lease) {
  const auto now = SharedClock::now();
  std::int64_t due = next_probe_ns_.load();
  return in_ns(now) >= due && next_probe_ns_.compare_exchange_strong(due, in_ns(now + lease));
}

void SharedDatabase::postpone_probe(SharedClock::duration pause) {
  next_probe_ns_ = in_ns(SharedClock::now() + pause);
}

void SharedFault::set(const std::string& text) {
  std::int32_t self = getpid();
  if (text.empty()) {
    process_.compare_exchange_strong(self, 0);
    return;
  }
  std::string line = text.substr(0, kMostBytes);
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < ' '; }, ' ');
  if (this->text() == line) {  // readers are not disturbed
    process_ = self;
    return;
  }
  text_.set(line);
  process_ = self;
}

std::string SharedFault::text() const {
  const std::int32_t process = process_;
  return process == 0 || !is_sibling(process) ? "" : text_.text();
}

SharedMemory* SharedMemory::create() {
  void* memory = mmap(nullptr, sizeof(SharedMemory), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    throw std::system_error(errno, std::generic_category(), "mmap of shared memory");
  return new (memory) SharedMemory;
}

SharedDatabase* SharedMemory::with_key(std::uint64_t key) {
  const auto found = std::find_if(databases_.begin(), databases_.end(),
                                  [&](const auto& database) { return database.key_ == key; });
  return found != databases_.end() ? &*found : nullptr;
}

// Records without a holder may still belong to the new configuration too, or to processes on their
// way out: fresh ones go first.
std::vector<SharedDatabase*> SharedMemory::assign(const std::vector<std::string>& conninfos) {
  std::vector<SharedDatabase*> assigned;
  for (const auto& conninfo : conninfos) assigned.push_back(with_key(key_of(conninfo)));
  for (std::size_t i = 0; i < conninfos.size(); ++i) {
    if (assigned[i] != nullptr) continue;
    assigned[i] = with_key(0);
    for (auto& database : databases_) {
      if (assigned[i] != nullptr) break;
      const bool taken = std::find(assigned.begin(), assigned.end(), &database) != assigned.end();
      if (!taken && !database.in_use()) assigned[i] = &database;
    }
    if (assigned[i] == nullptr)
      throw std::runtime_error(
          "too many databases came and went by restarts: stop httpd and start it again");
    assigned[i]->~SharedDatabase();
    new (assigned[i]) SharedDatabase;
    assigned[i]->key_ = key_of(conninfos[i]);
  }
  return assigned;
}

}  // namespace mirror::httpd
