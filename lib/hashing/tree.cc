#include "hashing/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/path.h"
#include "os/open_beneath.h"

namespace mirror::hash {
namespace {

// A wrong clock must not cause an overflow: the last second that can be represented stands for all
// later ones.
std::int64_t nanoseconds(const timespec& time) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  constexpr std::int64_t kLastSecond = std::numeric_limits<std::int64_t>::max() / kSecond - 1;
  const std::int64_t seconds = std::clamp<std::int64_t>(time.tv_sec, -kLastSecond, kLastSecond);
  return seconds * kSecond + time.tv_nsec;
}

bool may_be_signature(const FileStatus& status) {
  return status.regular && is_signature_size(status.size_bytes);
}

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

}  // namespace

bool FileStatus::same_content(const FileStatus& other) const {
  return size_bytes == other.size_bytes && mtime_s == other.mtime_s &&
         mtime_nsec == other.mtime_nsec && ctime_ns == other.ctime_ns && inode == other.inode &&
         device == other.device && regular == other.regular;
}

FileStatus status_of(const struct stat& from) {
  return {from.st_size,
          from.st_mtim.tv_sec,
          from.st_mtim.tv_nsec,
          nanoseconds(from.st_ctim),
          from.st_dev,
          from.st_ino,
          static_cast<std::int64_t>(from.st_nlink),
          S_ISREG(from.st_mode)};
}

SourceTree::SourceTree(const std::string& root)
    : root_(open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (!root_)
    throw std::system_error(errno, std::generic_category(),
                            "cannot open the source " + printable(root));
}

Descriptor SourceTree::open_below(const std::string& path, int flags) const {
  return open_beneath(root_.get(), path, flags);
}

// O_NONBLOCK: a pipe that took the file's place must not hold us; the caller looks at what it got.
Descriptor SourceTree::open_file(const std::string& path) const {
  return open_below(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
}

Signature SourceTree::read_signature(const std::string& path) const {
  if (is_signature(path)) return {};
  for (const auto& [suffix, kind] : kSignatureSuffixes) {
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

std::optional<FileStatus> SourceTree::status(const std::string& path) {
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

const SourceTree::SignatureNames& SourceTree::listing_of(std::string_view prefix) {
  while (!listings_.empty() && !prefix.starts_with(listings_.back().prefix)) listings_.pop_back();
  if (!listings_.empty() && listings_.back().prefix == prefix) return listings_.back();
  SignatureNames& listing = listings_.emplace_back();
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

bool SourceTree::may_have_signature(const std::string& path) {
  if (is_signature(path)) return false;
  const std::size_t name = path.rfind('/') + 1;  // npos + 1 is 0
  const SignatureNames& listing = listing_of(std::string_view(path).substr(0, name));
  return !listing.readable ||
         std::any_of(std::begin(kSignatureSuffixes), std::end(kSignatureSuffixes),
                     [&](const auto& suffix) {
                       return listing.names.contains(path.substr(name) + suffix.first);
                     });
}

std::int64_t SourceTree::signature_ctime(const std::string& path) {
  if (!may_have_signature(path)) return 0;
  for (const auto& [suffix, kind] : kSignatureSuffixes) {
    const std::optional<FileStatus> found = status(path + suffix);
    if (found && may_be_signature(*found)) return found->ctime_ns;
  }
  return 0;
}

}  // namespace mirror::hash
