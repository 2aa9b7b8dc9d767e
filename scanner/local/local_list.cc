#include "scanner/local/local_list.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "core/path.h"
#include "os/open_beneath.h"

namespace mirror::scanner {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

[[noreturn]] void fail(const std::string& path, const char* doing, int error) {
  throw ListingError(fmt::format("cannot {} {}: {}", doing, printable(path), std::strerror(error)));
}

class Walk {
 public:
  Walk(const std::string& root, Listing& listing, const Control& control)
      : root_(root), listing_(listing), control_(control) {
    Directory directory(opendir(root.c_str()));
    if (!directory) fail(root, "open the source", errno);
    char real[PATH_MAX];
    if (realpath(root.c_str(), real) != nullptr) real_root_ = real;
    root_directory_ = std::move(directory);
  }

  void run(const std::string& start) {
    const int root_fd = dirfd(root_directory_.get());
    if (start.empty()) {
      read_directory(Directory(fdopendir(duplicate(root_fd))), "");
    } else {
      go_to(start);
    }
    while (!pending_.empty()) {
      if (control_.stopped()) throw ListingError("interrupted");
      const std::string path = std::move(pending_.back());
      pending_.pop_back();
      Descriptor folder = open_beneath(root_fd, path, O_RDONLY | O_DIRECTORY);
      if (folder) {
        read_directory(Directory(fdopendir(folder.release())), path);
      } else if (errno == EACCES) {
        listing_.add_unreadable(path);
      } else if (errno != ENOENT && errno != ENOTDIR &&
                 errno != ELOOP) {  // those: replaced since it was listed
        fail(path, "open", errno);
      }
    }
    struct stat now {};
    struct stat then {};
    if (stat(root_.c_str(), &now) != 0 || fstat(root_fd, &then) != 0 || now.st_ino != then.st_ino ||
        now.st_dev != then.st_dev) {
      throw ListingError(
          fmt::format("the source {} was replaced during the listing", printable(root_)));
    }
  }

 private:
  // Leaves `start` alone as what is still to be read.
  void go_to(const std::string& start) {
    for (std::size_t from = 0; from != std::string::npos;) {
      const std::size_t slash = start.find('/', from);
      const std::string parent = from == 0 ? "" : start.substr(0, from - 1);
      const std::string name = start.substr(from, slash - from);
      const Descriptor folder = open_beneath(dirfd(root_directory_.get()),
                                             parent.empty() ? "." : parent, O_PATH | O_DIRECTORY);
      if (!folder) fail(parent, "open", errno);
      pending_.clear();
      if (!add(folder.get(), name.c_str(), parent))
        fail(parent.empty() ? root_ : parent, "search", EACCES);
      if (pending_.empty()) {
        throw ListingError(fmt::format("the source has no directory '{}' that is not excluded",
                                       printable(start.substr(0, slash))));
      }
      from = slash == std::string::npos ? slash : slash + 1;
    }
  }

  static int duplicate(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, 0); }

  void read_directory(Directory directory, const std::string& path) {
    if (!directory) fail(path, "read", errno);
    const std::size_t waiting = pending_.size();
    for (;;) {
      errno = 0;
      const dirent* const item = readdir(directory.get());
      if (item == nullptr) {
        if (errno != 0) fail(path.empty() ? root_ : path, "read", errno);
        break;
      }
      const std::string_view name = item->d_name;
      if (name == "." || name == "..") continue;
      if (!add(dirfd(directory.get()), item->d_name, path)) {
        pending_.resize(waiting);
        return add_unsearchable(path);
      }
    }
    std::sort(pending_.begin() + static_cast<std::ptrdiff_t>(waiting), pending_.end(),
              std::greater<>());
  }

  void add_unsearchable(const std::string& path) {
    if (path.empty()) return listing_.add_unreadable_root();
    listing_.add_unreadable(path);
  }

  // False if the directory may be read but not searched: nothing in it can be examined.
  bool add(int directory_fd, const char* name, const std::string& parent) {
    entry_.path = parent.empty() ? name : parent + '/' + name;
    struct stat status {};
    if (fstatat(directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) return true;  // vanished since
      if (errno == EACCES) return false;
      fail(entry_.path, "examine", errno);
    }
    entry_.size_bytes = status.st_size;
    entry_.mtime_s = status.st_mtime;
    entry_.ctime_ns = std::int64_t{status.st_ctim.tv_sec} * 1'000'000'000 + status.st_ctim.tv_nsec;
    entry_.target.clear();
    entry_.world_readable = (status.st_mode & S_IROTH) != 0;
    if (S_ISDIR(status.st_mode)) {
      entry_.kind = ListedKind::directory;
      entry_.world_readable = entry_.world_readable && (status.st_mode & S_IXOTH) != 0;
    } else if (S_ISLNK(status.st_mode)) {
      entry_.kind = ListedKind::link;
      if (!read_link(directory_fd, name)) return true;
    } else {
      entry_.kind = S_ISREG(status.st_mode) ? ListedKind::file : ListedKind::special;
    }
    const bool wanted = listing_.add(entry_);
    if (wanted && entry_.kind == ListedKind::directory && entry_.path.size() <= kMaxPathBytes)
      pending_.push_back(entry_.path);
    return true;
  }

  bool read_link(int directory_fd, const char* name) {
    char target[PATH_MAX];
    const ssize_t length = readlinkat(directory_fd, name, target, sizeof target);
    if (length < 0 && (errno == ENOENT || errno == EINVAL)) return false;  // replaced since
    if (length < 0) fail(entry_.path, "read the link", errno);
    const std::string_view text(target, static_cast<std::size_t>(length));
    entry_.target = relative_target(entry_.path, text, root_);
    if (entry_.target == text && !real_root_.empty())
      entry_.target = relative_target(entry_.path, text, real_root_);
    return true;
  }

  const std::string& root_;
  std::string real_root_;
  Listing& listing_;
  const Control& control_;
  Directory root_directory_;
  std::vector<std::string> pending_;  // directories still to be read, relative to the root
  Entry entry_;
};

}  // namespace

std::string relative_target(std::string_view path, std::string_view target, std::string_view root) {
  while (root.ends_with('/')) root.remove_suffix(1);
  const bool inside = target.starts_with('/') && target.starts_with(root) &&
                      (target.size() == root.size() || target[root.size()] == '/');
  if (!inside) return std::string(target);
  std::string_view rest = target.substr(root.size());
  while (rest.starts_with('/')) rest.remove_prefix(1);
  std::string relative;
  for (auto depth = std::count(path.begin(), path.end(), '/'); depth > 0; --depth)
    relative += "../";
  relative += rest;
  return relative.empty() ? "." : relative;
}

void list_local(const std::string& root, const std::string& start, Listing& listing,
                const Control& control) {
  Walk(root, listing, control).run(start);
}

}  // namespace mirror::scanner
