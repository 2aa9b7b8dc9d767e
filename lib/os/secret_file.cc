#include "os/secret_file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

#include "os/descriptor.h"

namespace mirror {
namespace {

constexpr std::size_t kBytes = 32, kDigits = 2 * kBytes;
constexpr char kHex[] = "0123456789abcdef";

[[noreturn]] void fail(const std::string& file, int error_number) {
  throw SecretError(file + ": " + std::generic_category().message(error_number), error_number);
}

[[noreturn]] void refuse(const std::string& file, const std::string& why) {
  throw SecretError(file + ": " + why, 0);
}

// A name that leads elsewhere would let the owner of a folder choose the file.
Descriptor open_secret(const std::string& file, struct stat& status) {
  Descriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!in && errno == ELOOP) refuse(file, "it is a symbolic link; name the file itself");
  if (!in || ::fstat(in.get(), &status) != 0) fail(file, errno);
  if (!S_ISREG(status.st_mode)) refuse(file, "it is not a regular file; name another file");
  return in;
}

std::string secret_in(const std::string& file, const Descriptor& in) {
  std::array<char, kDigits + 2> text;
  const ssize_t length = ::read(in.get(), text.data(), text.size());
  if (length < 0) fail(file, errno);
  std::string secret(text.data(), static_cast<std::size_t>(length));
  if (secret.ends_with('\n')) secret.pop_back();
  if (secret.size() != kDigits ||
      secret.find_first_not_of("0123456789abcdefABCDEF") != secret.npos) {
    refuse(file, "it is not 64 hexadecimal digits; remove it, and restart httpd to make a new one");
  }
  return secret;
}

std::string random_secret() {
  std::array<unsigned char, kBytes> bytes;
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw std::system_error(errno, std::generic_category(), "getrandom");
  std::string secret;
  for (const unsigned char byte : bytes) {
    secret += kHex[byte >> 4];
    secret += kHex[byte & 15];
  }
  return secret;
}

// Under another name, `unfinished`.
void write_new(const std::string& file, const std::string& unfinished) {
  ::unlink(unfinished.c_str());  // of a process that died
  const Descriptor out(
      ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  const std::string line = random_secret() + '\n';
  if (!out || ::fchmod(out.get(), 0600) != 0) fail(file, errno);  // whatever the umask
  const ssize_t put = ::write(out.get(), line.data(), line.size());
  if (put != static_cast<ssize_t>(line.size())) fail(file, put < 0 ? errno : ENOSPC);
  if (::fsync(out.get()) != 0) fail(file, errno);
}

// As a whole, and not over a file that another process has made meanwhile.
void make_secret(const std::string& file) {
  const std::string folder = file.substr(0, file.rfind('/') + 1);
  // Whatever the umask. If the folder cannot be made, what follows fails.
  if (!folder.empty() && ::mkdir(folder.c_str(), 0755) == 0) ::chmod(folder.c_str(), 0755);
  const std::string unfinished = file + "." + std::to_string(::getpid()) + ".new";
  write_new(file, unfinished);
  const int failed = ::link(unfinished.c_str(), file.c_str()) == 0 ? 0 : errno;
  ::unlink(unfinished.c_str());
  if (failed != 0 && failed != EEXIST) fail(file, failed);
}

}  // namespace

std::string read_secret(const std::string& file) {
  struct stat status;
  return secret_in(file, open_secret(file, status));
}

std::string read_own_secret(const std::string& file) {
  struct stat status;
  const Descriptor in = open_secret(file, status);
  if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
    refuse(file, "it belongs to user number " + std::to_string(status.st_uid) +
                     "; give it to root: chown root " + file);
  }
  if ((status.st_mode & S_IRWXO) != 0)
    refuse(file, "others have rights to it; take these away: chmod o= " + file);
  return secret_in(file, in);
}

std::string own_secret(const std::string& file) {
  try {
    return read_own_secret(file);
  } catch (const SecretError& error) {
    if (error.error_number() != ENOENT) throw;
  }
  make_secret(file);
  return read_own_secret(file);
}

bool same_secret(const std::string& known, const char* told) {
  const std::size_t length = std::strlen(told);
  volatile unsigned char differ = length == known.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::min(length, known.size()); ++i)
    differ = differ | static_cast<unsigned char>(known[i] ^ told[i]);
  return differ == 0 && !known.empty();
}

}  // namespace mirror
