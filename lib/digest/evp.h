// One message digest of OpenSSL, fetched once and started again and again.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mirror::digest {

class Evp {
 public:
  explicit Evp(const char* name)
      : md_(EVP_MD_fetch(nullptr, name, nullptr)), context_(EVP_MD_CTX_new()) {
    if (!md_ || !context_) throw std::runtime_error(std::string("OpenSSL has no ") + name);
    restart();
  }
  void restart() { check(EVP_DigestInit_ex2(context_.get(), md_.get(), nullptr)); }
  void add(std::string_view bytes) {
    check(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
  }
  // Writes size() bytes; the next message may begin.
  void finish(unsigned char* into) {
    check(EVP_DigestFinal_ex(context_.get(), into, nullptr));
    restart();
  }
  std::size_t size() const { return static_cast<std::size_t>(EVP_MD_get_size(md_.get())); }
  std::string finish() {
    std::string out(size(), '\0');
    finish(reinterpret_cast<unsigned char*>(out.data()));
    return out;
  }

 private:
  static void check(int worked) {
    if (worked != 1) throw std::runtime_error("OpenSSL cannot compute a digest");
  }
  struct Free {
    void operator()(EVP_MD* md) const { EVP_MD_free(md); }
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD, Free> md_;
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace mirror::digest
