#include "scanner/probe/file_record.h"

#include <algorithm>
#include <bit>

namespace mirror::probe {
namespace {

constexpr std::uint64_t kMask = (std::uint64_t{1} << FileRecord::kRemembered) - 1;

constexpr int kMostInARow = 1000;  // more says nothing more, and fits its column

}  // namespace

FileRecord::FileRecord(int checked, std::uint64_t wrong_bits, int right_in_a_row)
    : wrong_bits_(wrong_bits & kMask),
      checked_(std::clamp(checked, 0, kRemembered)),
      right_in_a_row_(std::clamp(right_in_a_row, 0, kMostInARow)) {}

void FileRecord::add(bool right) {
  wrong_bits_ = (wrong_bits_ << 1 | (right ? 0 : 1)) & kMask;
  checked_ = std::min(checked_ + 1, kRemembered);
  right_in_a_row_ = right ? std::min(right_in_a_row_ + 1, kMostInARow) : 0;
}

int FileRecord::wrong() const { return std::popcount(wrong_bits_); }

bool FileRecord::too_many_wrong() const {
  return wrong() >= kFewestWrong && wrong() > kMostWrong * checked_;
}

bool FileRecord::many_wrong_of_late() const {
  constexpr std::uint64_t kLateMask = (std::uint64_t{1} << kLate) - 1;
  return checked_ > 0 &&
         std::popcount(wrong_bits_ & kLateMask) >= kMostWrong * std::min(checked_, kLate);
}

}  // namespace mirror::probe
