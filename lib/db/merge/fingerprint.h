// A number of 128 bits that tells listings apart: of their entries, in their order. Not
// cryptographic, and need not be: a mirror that could make two of its listings look the same could
// as well send one of them twice.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace mirror::db {

class Fingerprint {
 public:
  void number(std::int64_t value) { word(static_cast<std::uint64_t>(value)); }

  void text(std::string_view value) {
    word(value.size());
    for (; value.size() >= sizeof(std::uint64_t); value.remove_prefix(sizeof(std::uint64_t)))
      word(load(value));
    if (!value.empty()) word(load(value));
  }

  // Adds what another one has of an entry.
  void add_next(const Fingerprint& entry) {
    word(entry.first_);
    word(entry.second_);
  }
  // The same, so that the order of such calls does not matter.
  void add_in_any_order(Fingerprint entry) {
    entry.number(0);  // so that no bit of the entry's last value stays where it was
    first_ += entry.first_;
    second_ += entry.second_;
  }

  // 16 bytes, the same on every machine of one byte order.
  std::string bytes() const {
    std::string out(sizeof first_ + sizeof second_, '\0');
    std::memcpy(out.data(), &first_, sizeof first_);
    std::memcpy(out.data() + sizeof first_, &second_, sizeof second_);
    return out;
  }

 private:
  static std::uint64_t load(std::string_view text) {
    std::uint64_t value = 0;
    std::memcpy(&value, text.data(), text.size() < sizeof value ? text.size() : sizeof value);
    return value;
  }

  // Both steps are one-to-one in the state: what differs once stays different but for another word
  // that undoes it in both.
  void word(std::uint64_t value) {
    first_ = (first_ ^ value) * 0x9e3779b97f4a7c15;
    first_ ^= first_ >> 32;
    second_ = (second_ + value) * 0xd6e8feb86659fd93;
    second_ ^= second_ >> 29;
  }

  std::uint64_t first_ = 1, second_ = 2;
};

}  // namespace mirror::db
