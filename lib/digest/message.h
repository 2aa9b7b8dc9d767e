// Digests of short messages, in one call. Throw std::runtime_error where OpenSSL has none.
#pragma once

#include <string>
#include <string_view>

namespace mirror::digest {

std::string sha1_of(std::string_view bytes);    // 20 bytes
std::string sha256_of(std::string_view bytes);  // 32 bytes
// RFC 2104; 32 bytes.
std::string hmac_sha256_of(std::string_view key, std::string_view bytes);

}  // namespace mirror::digest
