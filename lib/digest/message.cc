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

}  // namespace mirror::digest
