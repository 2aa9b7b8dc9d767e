// Stamps for redirects: a mirror that knows the key can tell that a request comes from here, and
// when it was redirected.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mirror::digest {

enum class StampForm : std::uint8_t {
  md5,     // MD5 of "TIME KEY": as MirrorBrain made them; one stamp opens every file
  sha256,  // HMAC-SHA-256 (RFC 2104), with the key, of "TIME URL-PATH": for this file alone
};

// "time=TIME&stamp=HEX", TIME in Unix seconds; `url_path` is decoded and begins with '/'. Throws
// std::runtime_error where OpenSSL does without the algorithm.
std::string stamp(StampForm form, std::string_view key, std::int64_t time_s,
                  std::string_view url_path);

}  // namespace mirror::digest
