// MD4 (RFC 1320), which zsync needs and OpenSSL has only in a provider that may be missing.
#pragma once

#include <array>
#include <string_view>

namespace mirror::digest {

std::array<unsigned char, 16> md4(std::string_view message);

}  // namespace mirror::digest
