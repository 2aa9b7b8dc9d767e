#include "digest/md4.h"

#include <bit>
#include <cstdint>
#include <cstring>

namespace mirror::digest {
namespace {

std::uint32_t little_endian(const unsigned char* bytes) {
  return bytes[0] | std::uint32_t{bytes[1]} << 8 | std::uint32_t{bytes[2]} << 16 |
         std::uint32_t{bytes[3]} << 24;
}

using State = std::array<std::uint32_t, 4>;

// §3.4: in each round the four words take turns, each step with the next word of the block in the
// round's order.
void process(State& state, const unsigned char* block) {
  std::uint32_t x[16];
  for (int i = 0; i < 16; ++i) x[i] = little_endian(block + 4 * i);
  std::uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
  const auto step = [&](std::uint32_t f, std::uint32_t word, int shift) {
    const std::uint32_t turned = std::rotl(a + f + word, shift);
    a = d;
    d = c;
    c = b;
    b = turned;
  };
  static constexpr int kShifts[3][4] = {{3, 7, 11, 19}, {3, 5, 9, 13}, {3, 9, 11, 15}};
  static constexpr int kThird[16] = {0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15};
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) step((b & c) | (~b & d), x[i], kShifts[0][i % 4]);
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i)
    step((b & c) | (b & d) | (c & d), x[i % 4 * 4 + i / 4] + 0x5a827999, kShifts[1][i % 4]);
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) step(b ^ c ^ d, x[kThird[i]] + 0x6ed9eba1, kShifts[2][i % 4]);
  state = {state[0] + a, state[1] + b, state[2] + c, state[3] + d};
}

}  // namespace

std::array<unsigned char, 16> md4(std::string_view message) {
  State state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
  std::size_t left = message.size();
  for (; left >= 64; left -= 64, bytes += 64) process(state, bytes);
  unsigned char tail[128] = {};
  std::memcpy(tail, bytes, left);
  tail[left] = 0x80;
  const std::size_t end = left < 56 ? 64 : 128;
  for (int i = 0; i < 8; ++i)
    tail[end - 8 + i] = static_cast<unsigned char>(std::uint64_t{message.size()} * 8 >> (8 * i));
  for (std::size_t at = 0; at < end; at += 64) process(state, tail + at);
  std::array<unsigned char, 16> out;
  for (int i = 0; i < 16; ++i) out[i] = static_cast<unsigned char>(state[i / 4] >> (8 * (i % 4)));
  return out;
}

}  // namespace mirror::digest
