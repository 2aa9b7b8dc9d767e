#include "geo/shared_copies.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <functional>
#include <system_error>
#include <thread>

namespace mirror {
namespace {

namespace fs = std::filesystem;
constexpr std::chrono::seconds kLockPatience(2);
constexpr std::chrono::milliseconds kLockPause(10);

[[noreturn]] void fail(const std::string& path) {
  throw std::system_error(errno, std::generic_category(), path);
}

// Of all copies of one path.
std::string prefix_of(const std::string& path) {
  return fmt::format("{:016x}-", std::hash<std::string>()(path));
}

std::string name_of(const std::string& path, const FileIdentity& identity) {
  return fmt::format("{}{}-{}-{}-{}.{:09}", prefix_of(path), identity.device, identity.inode,
                     identity.size, identity.mtime_s, identity.mtime_ns);
}

// Until it goes out of scope, this process alone makes copies. Often a process waits that cannot
// serve clients before it has the databases.
Descriptor lock(const std::string& folder) {
  const std::string path = folder + "/lock";
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) fail(path);
  const auto deadline = std::chrono::steady_clock::now() + kLockPatience;
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EINTR && errno != EWOULDBLOCK) fail(path);
    if (std::chrono::steady_clock::now() > deadline) fail(path);
    std::this_thread::sleep_for(kLockPause);
  }
  return file;
}

void remove_others(const std::string& folder, const std::string& prefix, const std::string& name) {
  std::error_code ignored;  // what cannot be removed now goes with the next copy
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string other = entry.path().filename();
    if (other.starts_with(prefix) && other != name) fs::remove(entry.path(), ignored);
  }
}

}  // namespace

std::optional<PrivateCopy> SharedCopies::open(const std::string& name,
                                              const FileIdentity& identity) const {
  const std::string path = folder_ + "/" + name;
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat info;
  if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode) ||
      info.st_uid != ::geteuid())
    return std::nullopt;
  return PrivateCopy{std::move(file), identity};
}

PrivateCopy SharedCopies::copy(const std::string& path, const Check& check) const {
  const FileIdentity identity = identify(path);
  const std::string name = name_of(path, identity), temporary = folder_ + "/new";
  if (auto copy = open(name, identity)) return std::move(*copy);
  const Descriptor held = lock(folder_);
  if (auto copy = open(name, identity)) return std::move(*copy);
  ::unlink(temporary.c_str());  // of a process that ended meanwhile
  PrivateCopy copy{Descriptor(::open(temporary.c_str(),
                                     O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400)),
                   identity};
  if (!copy.memory) fail(temporary);
  try {
    if (copy_into(path, copy.memory.get()) != identity)
      throw std::runtime_error("it is being written at the moment");
    check(copy);
    if (::rename(temporary.c_str(), (folder_ + "/" + name).c_str()) != 0) fail(temporary);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  remove_others(folder_, prefix_of(path), name);
  return copy;
}

std::optional<PrivateCopy> SharedCopies::last(const std::string& path) const {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_, ignored)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(prefix_of(path))) continue;
    if (auto copy = open(name, {})) return copy;
  }
  return std::nullopt;
}

}  // namespace mirror
