// Why a server gave no answer, over HTTP and FTP alike.
#pragma once

#include <cstdint>

namespace mirror::net {

// Why there is no answer.
enum class FailureKind : std::uint8_t {
  url,
  name,             // its host has no address of that family, or cannot be looked up
  connect,          // `os_error` says why
  private_address,  // which public_only forbids
  certificate,
  timeout,
  too_large,  // headers, or replies of FTP
  broken,     // the connection ended, or what came is not as it should be
  own         // this machine's: no memory, no certificates to trust
};

}  // namespace mirror::net
