#include "scanner/probe/file_record.h"

#include <algorithm>
#include <bit>

namespace mirror::probe {
namespace {

constexpr std::uint64_t kMask = (std::uint64_t{1} << FileRecord::kRemembered) - 1;

}  // namespace

FileRecord::FileRecord(int checked, std::uint64_t wrong_bits, int right_in_a_row)
    : wrong_bits_(wrong_bits & kMask),
      checked_(std::clamp(checked, 0, kRemembered)),
      right_in_a_row_(std::max(right_in_a_row, 0)) {}

void FileRecord::add(bool right) {
  wrong_bits_ = (wrong_bits_ << 1 | (right ? 0 : 1)) & kMask;
  checked_ = std::min(checked_ + 1, kRemembered);
  right_in_a_row_ = right ? right_in_a_row_ + 1 : 0;
}

int FileRecord::wrong() const { return std::popcount(wrong_bits_); }

bool FileRecord::too_many_wrong() const {
  return wrong() >= kFewestWrong && wrong() > kMostWrong * checked_;
}

}  // namespace mirror::probe
