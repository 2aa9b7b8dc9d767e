#include "answer/headers.h"

#include <algorithm>

#include "core/ascii.h"

namespace mirror {
namespace {

constexpr std::size_t kBlock = 32;

// Without a branch, so that the compiler can take vectors.
std::size_t controls_in_block(const char* block) {
  unsigned char controls = 0;
  for (std::size_t i = 0; i < kBlock; ++i)
    controls += is_control(static_cast<unsigned char>(block[i]));
  return controls;
}

std::size_t controls_in(std::string_view text) {
  std::size_t controls = 0;
  for (; text.size() >= kBlock; text.remove_prefix(kBlock))
    controls += controls_in_block(text.data());
  return controls + static_cast<std::size_t>(std::count_if(text.begin(), text.end(), is_control));
}

}  // namespace

std::string_view Headers::unprintable() const {
  if (places_.empty() || controls_in(values_) == places_.size() - 1)
    return "";  // those that stand between the values
  for (const auto& [name, value] : *this) {
    if (controls_in(value) > 0) return name;
  }
  return "";
}

}  // namespace mirror
