#include "scanner/probe/file_record.h"

#include <algorithm>
#include <bit>

namespace mirror::probe {

void FileRecord::add(bool right) {
  constexpr std::uint64_t kMask = (std::uint64_t{1} << kRemembered) - 1;
  wrong_bits_ = (wrong_bits_ << 1 | (right ? 0 : 1)) & kMask;
  checked_ = std::min(checked_ + 1, kRemembered);
  right_in_a_row_ = right ? right_in_a_row_ + 1 : 0;
}

int FileRecord::wrong() const { return std::popcount(wrong_bits_); }

bool FileRecord::too_many_wrong() const {
  return wrong() >= kFewestWrong && wrong() > kMostWrong * checked_;
}

}  // namespace mirror::probe
