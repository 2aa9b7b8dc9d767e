// How much traffic redirects cause on each mirror, in shared memory: a file's bytes, spread over
// the time that a download takes. No locks; a process that dies leaves nothing for which others
// wait.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/model.h"

namespace mirror::httpd {

class Traffic {
 public:
  // A number for a mirror, which no mirror of another tree has; not 0. `tree`: the catalog's
  // folder, or the conninfo of a database without one.
  static std::uint64_t number_of(std::string_view tree, MirrorId mirror);

  // `mirror` is number_of() it. Where the table is full, further mirrors are not counted.
  void add(std::uint64_t mirror, std::int64_t bytes, std::int64_t now_s);
  // Whether as much was sent there as `max_mbit` allows, in the present kSlotS seconds.
  bool is_full(std::uint64_t mirror, int max_mbit, std::int64_t now_s) const;
  // In the last kSlotS whole seconds.
  double mbit(std::uint64_t mirror, std::int64_t now_s) const;

 private:
  static constexpr std::int64_t kBytesPerS = 50'000'000 / 8;  // what a client's download takes
  static constexpr std::int64_t kSlotS = 8;
  static constexpr std::int64_t kSlots = 128;  // 17 minutes: what a download takes longer is lost
  static constexpr std::int64_t kUnit = 256;   // bytes
  static constexpr std::size_t kMirrors = 2048, kMostSteps = 16;
  struct Row {
    std::atomic<std::uint64_t> mirror{0};                    // 0: free
    std::array<std::atomic<std::uint64_t>, kSlots> slots{};  // number of the slot, units
  };

  const Row* find(std::uint64_t mirror) const;
  Row* find_or_take(std::uint64_t mirror);
  static std::int64_t units_in(const Row& row, std::int64_t slot);

  std::array<Row, kMirrors> rows_{};
};

}  // namespace mirror::httpd
