// How long one check of a mirror may take. Pure.
#pragma once

#include <algorithm>
#include <chrono>

#include "os/descriptor.h"
#include "scanner/discover/discover.h"

namespace mirror::scanner::discover {

// For one check, or so many in a row: not beyond the end of all; zero when that has come.
inline std::chrono::milliseconds time_left(const Question& question, int checks = 1) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(question.end - Clock::now());
  return std::clamp(left, std::chrono::milliseconds(0), checks * question.one_check);
}
inline bool is_over(const Question& question) {
  return Clock::now() >= question.end || is_readable(question.stop_fd);
}

}  // namespace mirror::scanner::discover
