#include "core/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace mirror {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::array<std::uint8_t, 12> kNat64Prefix = {0, 0x64, 0xff, 0x9b};
constexpr std::array<std::uint8_t, 2> k6to4Prefix = {0x20, 0x02};

template <std::size_t N>
bool starts_with(const Address& address, const std::array<std::uint8_t, N>& prefix) {
  return std::equal(prefix.begin(), prefix.end(), address.bytes.begin());
}

Address embedded_ipv4(const Address& outer, std::size_t offset) {
  Address inner;
  std::copy_n(outer.bytes.begin() + offset, 4, inner.bytes.begin());
  return inner;
}

// The first `length` bits of both are equal.
bool same_bits(const std::array<std::uint8_t, 16>& a, const std::array<std::uint8_t, 16>& b,
               int length) {
  const int whole = length / 8;
  if (std::memcmp(a.data(), b.data(), whole) != 0) return false;
  const int rest = length % 8;
  return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

bool has_host_bits(const Address& address, int length) {
  Address network = address;
  const int whole = length / 8;
  if (length % 8 != 0) network.bytes[whole] &= 0xff << (8 - length % 8);
  std::fill(network.bytes.begin() + whole + (length % 8 != 0), network.bytes.end(), 0);
  return network != address;
}

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
  const bool is_ipv6 = text.find(':') != text.npos;
  if (is_ipv6) text = text.substr(0, text.find('%'));
  char terminated[INET6_ADDRSTRLEN] = {};
  if (text.size() >= sizeof terminated || text.find('\0') != text.npos) return std::nullopt;
  text.copy(terminated, text.size());
  char raw[16];
  if (inet_pton(is_ipv6 ? AF_INET6 : AF_INET, terminated, raw) != 1) return std::nullopt;
  return from_bytes({raw, is_ipv6 ? 16u : 4u});
}

std::optional<Address> Address::from_bytes(std::string_view raw) {
  if (raw.size() != 4 && raw.size() != 16) return std::nullopt;
  Address address;
  std::memcpy(address.bytes.data(), raw.data(), raw.size());
  if (raw.size() == 4) return address;
  address.family = Family::ipv6;
  return starts_with(address, kMappedPrefix) ? embedded_ipv4(address, 12) : address;
}

Address Address::located() const {
  if (family == Family::ipv4) return *this;
  if (starts_with(*this, kNat64Prefix)) return embedded_ipv4(*this, 12);
  if (starts_with(*this, k6to4Prefix)) return embedded_ipv4(*this, 2);
  return *this;
}

bool Address::is_loopback() const {
  if (family == Family::ipv4) return bytes[0] == 127;
  std::array<std::uint8_t, 16> own{};
  own[15] = 1;
  return bytes == own;
}

std::string Address::text() const {
  char buffer[INET6_ADDRSTRLEN];
  return inet_ntop(family == Family::ipv4 ? AF_INET : AF_INET6, bytes.data(), buffer,
                   sizeof buffer);
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view host = text.substr(0, slash);
  const auto address = Address::parse(host);
  if (!address || host.find('%') != host.npos) return std::nullopt;
  Prefix prefix{*address, address->bits()};
  if (slash == text.npos) return prefix;

  const char* const end = text.data() + text.size();
  int length = -1;
  const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, length);
  if (error != std::errc() || stop != end) return std::nullopt;
  // ::ffff:192.0.2.0/120 is the IPv4 prefix 192.0.2.0/24
  if (address->family == Family::ipv4 && host.find(':') != host.npos) length -= 96;
  if (length < 0 || length > address->bits() || has_host_bits(*address, length))
    return std::nullopt;
  prefix.length = length;
  return prefix;
}

bool Prefix::contains(const Address& candidate) const {
  return candidate.family == address.family && same_bits(candidate.bytes, address.bytes, length);
}

std::string Prefix::text() const { return address.text() + '/' + std::to_string(length); }

}  // namespace mirror
