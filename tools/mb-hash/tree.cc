#include "tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/path.h"

namespace mirror::hash {
namespace {

constexpr std::pair<const char*, SignatureKind> kSuffixes[] = {{".asc", SignatureKind::asc},
                                                               {".sig", SignatureKind::sig}};

std::int64_t nanoseconds(const timespec& time) {
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

bool may_be_signature(const FileStatus& status) {
  return status.regular && status.size_bytes > 0 &&
         status.size_bytes <= static_cast<std::int64_t>(kMaxSignatureBytes);
}

bool is_signature(const std::string& path) {
  return path.ends_with(".asc") || path.ends_with(".sig");
}

// For kernels before 5.6, and sandboxes that do not know openat2: a step at a time.
int open_stepwise(int root, std::string_view path, int flags) {
  Descriptor directory;
  int at = root;
  for (std::size_t slash; (slash = path.find('/')) != path.npos; path.remove_prefix(slash + 1)) {
    directory = Descriptor(openat(at, std::string(path.substr(0, slash)).c_str(),
                                  O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory) return -1;
    at = directory.get();
  }
  return openat(at, std::string(path).c_str(), flags);
}

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

}  // namespace

std::int64_t FileStatus::mtime_s() const {
  return mtime_ns / 1'000'000'000 - (mtime_ns % 1'000'000'000 < 0 ? 1 : 0);
}

bool FileStatus::same_content(const FileStatus& other) const {
  return size_bytes == other.size_bytes && mtime_ns == other.mtime_ns &&
         ctime_ns == other.ctime_ns && inode == other.inode && device == other.device &&
         regular == other.regular;
}

FileStatus status_of(const struct stat& from) {
  return {from.st_size,
          nanoseconds(from.st_mtim),
          nanoseconds(from.st_ctim),
          from.st_dev,
          from.st_ino,
          static_cast<std::int64_t>(from.st_nlink),
          S_ISREG(from.st_mode)};
}

Tree::Tree(const std::string& root)
    : root_(open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (!root_)
    throw std::system_error(errno, std::generic_category(),
                            "cannot open the source " + printable(root));
}

Descriptor Tree::open_below(const std::string& path, int flags) const {
  flags |= O_CLOEXEC | O_NOFOLLOW;
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  const long fd = syscall(SYS_openat2, root_.get(), path.c_str(), &how, sizeof how);
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return Descriptor(static_cast<int>(fd));
  return Descriptor(open_stepwise(root_.get(), path, flags));
}

// O_NONBLOCK: a pipe that took the file's place must not hold us; the caller looks at what it got.
Descriptor Tree::open_file(const std::string& path) const {
  return open_below(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
}

Signature Tree::read_signature(const std::string& path) const {
  if (is_signature(path)) return {};
  for (const auto& [suffix, kind] : kSuffixes) {
    const Descriptor file = open_file(path + suffix);
    struct stat found {};
    if (!file || fstat(file.get(), &found) != 0 || !may_be_signature(status_of(found))) continue;
    Signature signature{std::string(kMaxSignatureBytes + 1, '\0'), kind, status_of(found).ctime_ns};
    const ssize_t length = read(file.get(), signature.text.data(), signature.text.size());
    if (length != found.st_size) continue;
    signature.text.resize(static_cast<std::size_t>(length));
    return signature;
  }
  return {};
}

std::optional<FileStatus> Tree::status(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  int at = root_.get();
  if (slash != path.npos) {
    const std::string_view directory = std::string_view(path).substr(0, slash);
    if (!directory_ || directory_path_ != directory) {
      directory_path_ = directory;
      directory_ = Descriptor(open_below(directory_path_, O_PATH | O_DIRECTORY));
    }
    if (!directory_) return std::nullopt;
    at = directory_.get();
  }
  struct stat found {};
  if (fstatat(at, path.c_str() + (slash == path.npos ? 0 : slash + 1), &found,
              AT_SYMLINK_NOFOLLOW) != 0)
    return std::nullopt;
  return status_of(found);
}

const Tree::Listing& Tree::listing_of(std::string_view prefix) {
  while (!listings_.empty() && !prefix.starts_with(listings_.back().prefix)) listings_.pop_back();
  if (!listings_.empty() && listings_.back().prefix == prefix) return listings_.back();
  Listing& listing = listings_.emplace_back();
  listing.prefix = prefix;
  const std::string path = prefix.empty() ? "." : std::string(prefix.substr(0, prefix.size() - 1));
  Descriptor directory = open_below(path, O_RDONLY | O_DIRECTORY);
  if (!directory) return listing;
  const std::unique_ptr<DIR, CloseDirectory> entries(fdopendir(directory.get()));
  if (!entries) return listing;
  static_cast<void>(directory.release());
  errno = 0;
  while (const dirent* entry = readdir(entries.get())) {
    if (std::string name = entry->d_name; is_signature(name)) listing.names.insert(std::move(name));
  }
  listing.readable = errno == 0;
  return listing;
}

bool Tree::may_have_signature(const std::string& path) {
  if (is_signature(path)) return false;
  const std::size_t name = path.rfind('/') + 1;  // npos + 1 is 0
  const Listing& listing = listing_of(std::string_view(path).substr(0, name));
  return !listing.readable ||
         std::any_of(std::begin(kSuffixes), std::end(kSuffixes), [&](const auto& suffix) {
           return listing.names.contains(path.substr(name) + suffix.first);
         });
}

std::int64_t Tree::signature_ctime(const std::string& path) {
  if (!may_have_signature(path)) return 0;
  for (const auto& [suffix, kind] : kSuffixes) {
    const std::optional<FileStatus> found = status(path + suffix);
    if (found && may_be_signature(*found)) return found->ctime_ns;
  }
  return 0;
}

}  // namespace mirror::hash
