#include "traffic.h"

#include <algorithm>

#include "core/fnv.h"

namespace mirror::httpd {
namespace {

void add_to(std::atomic<std::uint64_t>& cell, std::int64_t slot, std::int64_t units) {
  const std::uint64_t number = static_cast<std::uint32_t>(slot);
  std::uint64_t before = cell.load(std::memory_order_relaxed), after = 0;
  do {
    const std::uint64_t had = before >> 32 == number ? before & 0xffffffff : 0;
    after =
        number << 32 | std::min<std::uint64_t>(had + static_cast<std::uint64_t>(units), 0xffffffff);
  } while (!cell.compare_exchange_weak(before, after, std::memory_order_relaxed));
}

}  // namespace

std::uint64_t Traffic::number_of(std::string_view tree, MirrorId mirror) {
  return scattered(fnv1a(tree) ^ static_cast<std::uint16_t>(mirror)) | 1;
}

const Traffic::Row* Traffic::find(std::uint64_t mirror) const {
  for (std::size_t step = 0; step < kMostSteps; ++step) {
    const Row& row = rows_[(scattered(mirror) + step) % kMirrors];
    const std::uint64_t holder = row.mirror.load(std::memory_order_relaxed);
    if (holder == mirror) return &row;
    if (holder == 0) return nullptr;
  }
  return nullptr;
}

Traffic::Row* Traffic::find_or_take(std::uint64_t mirror) {
  for (std::size_t step = 0; step < kMostSteps; ++step) {
    Row& row = rows_[(scattered(mirror) + step) % kMirrors];
    std::uint64_t holder = row.mirror.load(std::memory_order_relaxed);
    if (holder == 0 && row.mirror.compare_exchange_strong(holder, mirror)) return &row;
    if (holder == mirror) return &row;
  }
  return nullptr;
}

void Traffic::add(std::uint64_t mirror, std::int64_t bytes, std::int64_t now_s) {
  Row* const row = find_or_take(mirror);
  if (row == nullptr) return;
  // As if it began with the slot: at its end no more downloads may begin than at its beginning.
  constexpr std::int64_t room = kSlotS * kBytesPerS;
  std::int64_t slot = now_s / kSlotS;
  for (std::int64_t done = 0; done < kSlots && bytes > 0; ++done, ++slot) {
    const std::int64_t part = std::min(bytes, room);
    add_to(row->slots[static_cast<std::size_t>(slot % kSlots)], slot, (part + kUnit - 1) / kUnit);
    bytes -= part;
  }
}

std::int64_t Traffic::units_in(const Row& row, std::int64_t slot) {
  const std::uint64_t cell =
      row.slots[static_cast<std::size_t>(slot % kSlots)].load(std::memory_order_relaxed);
  return cell >> 32 == static_cast<std::uint32_t>(slot)
             ? static_cast<std::int64_t>(cell & 0xffffffff)
             : 0;
}

bool Traffic::is_full(std::uint64_t mirror, int max_mbit, std::int64_t now_s) const {
  const Row* const row = find(mirror);
  const std::int64_t most_bytes = max_mbit * (1'000'000 / 8 * kSlotS);
  return row != nullptr && units_in(*row, now_s / kSlotS) * kUnit >= most_bytes;
}

double Traffic::mbit(std::uint64_t mirror, std::int64_t now_s) const {
  const Row* const row = find(mirror);
  if (row == nullptr) return 0;
  const std::int64_t bytes = units_in(*row, now_s / kSlotS - 1) * kUnit;
  return static_cast<double>(bytes) * 8 / 1e6 / kSlotS;
}

}  // namespace mirror::httpd
