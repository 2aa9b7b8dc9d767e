#include "geo/private_copy.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <vector>

namespace mirror {
namespace {

constexpr std::size_t kBlockBytes = 1 << 18;

[[noreturn]] void fail() { throw std::runtime_error(std::strerror(errno)); }

FileIdentity identity_of(const struct stat& info) {
  // Another kind of file may have no end, and a fifo may have no writer.
  if (!S_ISREG(info.st_mode)) throw std::runtime_error("not a regular file");
  return {info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
}

FileIdentity identify(int descriptor) {
  struct stat info;
  if (::fstat(descriptor, &info) != 0) fail();
  return identity_of(info);
}

void write_all(int descriptor, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(descriptor, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw std::system_error(errno, std::generic_category(), "writing the copy");
    data += written;
    size -= static_cast<std::size_t>(written);
  }
}

void copy_content(int from, int to) {
  std::vector<char> block(kBlockBytes);
  for (;;) {
    const ssize_t got = ::read(from, block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail();
    if (got == 0) return;
    write_all(to, block.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace

FileIdentity identify(const std::string& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) fail();
  return identity_of(info);
}

FileIdentity copy_into(const std::string& path, int descriptor) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) fail();
  const FileIdentity identity = identify(file.get());
  copy_content(file.get(), descriptor);
  if (identify(file.get()) != identity)
    throw std::runtime_error("it is being written at the moment");
  return identity;
}

PrivateCopy copy_privately(const std::string& path) {
  PrivateCopy copy{Descriptor(::memfd_create("mirror-copy", MFD_CLOEXEC | MFD_ALLOW_SEALING)), {}};
  if (!copy.memory) fail();
  copy.identity = copy_into(path, copy.memory.get());
  const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
  if (::fcntl(copy.memory.get(), F_ADD_SEALS, seals) != 0) fail();
  return copy;
}

}  // namespace mirror
