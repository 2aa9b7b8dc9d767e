#include "core/encode.h"
#include "render/representation.h"

namespace mirror {
namespace {

// CRC-24 (RFC 4880 §6.1).
std::uint32_t crc24(std::string_view bytes) {
  std::uint32_t crc = 0xb704ce;
  for (const unsigned char c : bytes) {
    crc ^= static_cast<std::uint32_t>(c) << 16;
    for (int bit = 0; bit < 8; ++bit) crc = crc << 1 ^ ((crc & 0x800000) != 0 ? 0x864cfb : 0);
  }
  return crc & 0xffffff;
}

// A signature packet's first byte: tag 2, in the old or the new format (RFC 4880 §4.2).
bool is_openpgp(std::string_view bytes) {
  if (bytes.empty()) return false;
  const unsigned char tag = bytes[0];
  return (tag & 0xfc) == 0x88 || tag == 0xc2;
}

std::string armoured(std::string_view bytes) {
  constexpr std::size_t kBytesPerLine = 48;
  std::string out = "-----BEGIN PGP SIGNATURE-----\n\n";
  for (std::size_t at = 0; at < bytes.size(); at += kBytesPerLine) {
    append_base64(out, bytes.substr(at, kBytesPerLine));
    out += '\n';
  }
  const std::uint32_t crc = crc24(bytes);
  const char sum[] = {static_cast<char>(crc >> 16), static_cast<char>(crc >> 8),
                      static_cast<char>(crc)};
  out += '=';
  append_base64(out, {sum, 3});
  return out += "\n-----END PGP SIGNATURE-----\n";
}

}  // namespace

std::string armoured_signature(const FileHashes& hashes) {
  if (hashes.signature.starts_with("-----BEGIN PGP SIGNATURE-----")) return hashes.signature;
  return is_openpgp(hashes.signature) ? armoured(hashes.signature) : "";
}

}  // namespace mirror
