#include "scanner/rsync/password.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/path.h"
#include "os/descriptor.h"
#include "scanner/list/listing.h"

namespace mirror::scanner {
namespace {

constexpr std::size_t kMaxPasswordBytes = 1024;

[[noreturn]] void fail(const std::string& file, const std::string& what) {
  throw ListingError(fmt::format("the password file {} {}", printable(file), what));
}

}  // namespace

std::string read_password(const std::string& file) {
  const Descriptor in(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!in) {
    fail(file, fmt::format("cannot be read: {} (the user that runs mb-scan must be allowed to, for "
                           "example with its group and mode 0640)",
                           std::strerror(errno)));
  }
  struct stat status {};
  if (fstat(in.get(), &status) != 0 || !S_ISREG(status.st_mode))
    fail(file, "is not a regular file");
  if ((status.st_mode & (S_IROTH | S_IWOTH)) != 0)
    fail(file, "must not be readable or writable for others: run chmod o-rw on it");
  std::array<char, kMaxPasswordBytes + 1> text;
  const ssize_t length = read(in.get(), text.data(), text.size());
  if (length < 0) fail(file, fmt::format("cannot be read: {}", std::strerror(errno)));
  std::string password(text.data(), static_cast<std::size_t>(length));
  password.resize(std::min(password.find_first_of("\r\n"), password.size()));
  if (password.empty() || password.size() > kMaxPasswordBytes ||
      password.find('\0') != std::string::npos) {
    fail(file, fmt::format("must have a password of at most {} bytes in its first line",
                           kMaxPasswordBytes));
  }
  return password;
}

}  // namespace mirror::scanner
