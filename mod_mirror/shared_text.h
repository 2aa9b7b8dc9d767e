// A short text in shared memory, without locks. If two write at the same time, or one dies while it
// writes, there is none until it is set again.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/fnv.h"

namespace mirror::httpd {

// At most so many bytes, and no NUL.
template <std::size_t kMostBytes>
class SharedText {
 public:
  // What is longer is cut.
  void set(std::string_view text) {
    text = text.substr(0, kMostBytes);
    key_ = 0;
    for (std::size_t i = 0; i < text.size(); ++i)
      bytes_[i].store(text[i], std::memory_order_relaxed);
    bytes_[text.size()].store('\0', std::memory_order_relaxed);
    key_ = key_of(text);
  }
  std::string text() const { return text_of(key_); }  // "": there is none
  std::string take() { return text_of(key_.exchange(0)); }

 private:
  static std::uint64_t key_of(std::string_view text) { return fnv1a(text) | 1; }
  std::string text_of(std::uint64_t key) const {
    std::string text;
    for (const auto& c : bytes_) {
      const char byte = c.load(std::memory_order_relaxed);
      if (byte == '\0') break;
      text += byte;
    }
    return key_of(text) == key ? text : "";
  }

  std::atomic<std::uint64_t> key_{0};  // of the text, as it has to be; 0: there is none
  std::array<std::atomic<char>, kMostBytes + 1> bytes_{};  // ends with a 0
};

}  // namespace mirror::httpd
