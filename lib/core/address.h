// IP addresses and prefixes of both families, as clients and mirrors have them.
// Plain values: no ownership, usable from any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mirror {

enum class Family : std::uint8_t { ipv4, ipv6 };

// An address in network byte order; an IPv4 address fills the first four bytes, the rest are zero.
struct Address {
  Family family = Family::ipv4;
  std::array<std::uint8_t, 16> bytes{};

  // Reads dotted IPv4 or RFC 4291 IPv6 text, with an optional zone (`%eth0`) that is dropped.
  static std::optional<Address> parse(std::string_view text);

  // From raw bytes in network order: 4 or 16 of them, else nullopt. An IPv4-mapped address (RFC
  // 4291 §2.5.5.2) becomes the IPv4 address it is.
  static std::optional<Address> from_bytes(std::string_view raw);

  // The IPv4 address inside a NAT64 (RFC 6052, 64:ff9b::/96) or 6to4 (RFC 3056, 2002::/16) address,
  // else the address itself: what GeoIP databases and mirror prefixes know. The client's family
  // stays that of the outer address.
  Address located() const;

  // 127.0.0.0/8 and ::1: of this machine, whatever its networks.
  bool is_loopback() const;

  std::string text() const;
  int bits() const { return family == Family::ipv4 ? 32 : 128; }
  friend bool operator==(const Address&, const Address&) = default;
};

// A CIDR prefix; host bits are zero.
struct Prefix {
  Address address;
  int length = 0;  // bits, 0 to address.bits()

  // Reads `ADDRESS` or `ADDRESS/BITS`; nullopt for anything else, also when host bits are set.
  static std::optional<Prefix> parse(std::string_view text);
  bool contains(const Address& candidate) const;
  std::string text() const;
  friend bool operator==(const Prefix&, const Prefix&) = default;
};

}  // namespace mirror
