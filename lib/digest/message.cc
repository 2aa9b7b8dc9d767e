#include "digest/message.h"

#include "digest/evp.h"

namespace mirror::digest {
namespace {

std::string digest_of(const char* name, std::string_view bytes) {
  Evp evp(name);
  evp.add(bytes);
  return evp.finish();
}

}  // namespace

std::string sha1_of(std::string_view bytes) { return digest_of("SHA1", bytes); }
std::string sha256_of(std::string_view bytes) { return digest_of("SHA256", bytes); }

std::string hmac_sha256_of(std::string_view key, std::string_view bytes) {
  std::string out(32, '\0');
  std::size_t length = 0;
  if (EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, key.data(), key.size(),
                reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                reinterpret_cast<unsigned char*>(out.data()), out.size(), &length) == nullptr)
    throw std::runtime_error("OpenSSL cannot compute an HMAC");
  return out;
}

}  // namespace mirror::digest
