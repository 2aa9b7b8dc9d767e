#include "digest/stamp.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <stdexcept>

#include "core/encode.h"

namespace mirror::digest {
namespace {

using Digest = std::array<unsigned char, EVP_MAX_MD_SIZE>;

std::size_t md5(const std::string& message, Digest& digest) {
  std::size_t size = 0;
  return EVP_Q_digest(nullptr, "MD5", nullptr, message.data(), message.size(), digest.data(),
                      &size) == 1
             ? size
             : 0;
}

std::size_t hmac_sha256(std::string_view key, const std::string& message, Digest& digest) {
  std::size_t size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
  const bool made =
      EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA2-256", nullptr, key.data(), key.size(), bytes,
                message.size(), digest.data(), digest.size(), &size) != nullptr;
  return made ? size : 0;
}

}  // namespace

std::string stamp(StampForm form, std::string_view key, std::int64_t time_s,
                  std::string_view url_path) {
  Digest digest;
  const std::size_t size = form == StampForm::md5
                               ? md5(fmt::format("{} {}", time_s, key), digest)
                               : hmac_sha256(key, fmt::format("{} {}", time_s, url_path), digest);
  if (size == 0) throw std::runtime_error("OpenSSL cannot compute the stamp's digest");
  std::string query = fmt::format("time={}&stamp=", time_s);
  append_hex(query, {reinterpret_cast<const char*>(digest.data()), size});
  return query;
}

}  // namespace mirror::digest
