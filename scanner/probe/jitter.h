// Spreads what would else be done at the same moment for all mirrors. One thread.
#pragma once

#include <random>

namespace mirror::probe {

// A tenth more or less.
inline double jittered(double seconds) {
  static std::minstd_rand random{std::random_device{}()};
  return seconds * std::uniform_real_distribution<double>(0.9, 1.1)(random);
}

}  // namespace mirror::probe
