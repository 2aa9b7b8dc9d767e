#include "os/tree_watch.h"

#include <dirent.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <system_error>
#include <vector>

namespace mirror {
namespace {

constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE |
                                  IN_DELETE | IN_ATTRIB | IN_ONLYDIR | IN_DONT_FOLLOW |
                                  IN_EXCL_UNLINK;
constexpr std::size_t kBufferBytes = 64 << 10;

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

std::string joined(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + '/' + name;
}

std::vector<std::string> folders_in(const std::string& path) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, CloseDirectory> directory(opendir(path.c_str()));
  if (!directory) return names;
  while (const dirent* const entry = readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    struct stat status {};
    const bool is_folder =
        entry->d_type == DT_DIR ||
        (entry->d_type == DT_UNKNOWN && lstat((path + '/' + name).c_str(), &status) == 0 &&
         S_ISDIR(status.st_mode));
    if (is_folder) names.push_back(name);
  }
  return names;
}

// Whether a new name is whole at once: a link of either kind is never written through this name.
bool is_whole(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 && (!S_ISREG(status.st_mode) || status.st_nlink > 1);
}

}  // namespace

TreeWatch::TreeWatch(std::string root, std::function<bool(const std::string&)> leaves_out)
    : root_(std::move(root)),
      leaves_out_(std::move(leaves_out)),
      inotify_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (!inotify_) {
    throw std::system_error(errno, std::generic_category(),
                            "inotify cannot be used (fs.inotify.max_user_instances)");
  }
  add("");
  if (watches_.empty())
    throw std::system_error(ENOENT, std::generic_category(), "cannot watch " + root_);
}

std::string TreeWatch::full(const std::string& path) const {
  return path.empty() ? root_ : root_ + '/' + path;
}

void TreeWatch::add(const std::string& folder) {
  std::vector<std::string> waiting{folder};
  while (!waiting.empty()) {
    const std::string path = std::move(waiting.back());
    waiting.pop_back();
    if (leaves_out_ && !path.empty() && leaves_out_(path)) continue;
    const int watch = inotify_add_watch(inotify_.get(), full(path).c_str(), kEvents);
    if (watch < 0 && errno == ENOSPC) {
      throw std::system_error(errno, std::generic_category(),
                              "more folders than this system lets one user watch: raise "
                              "fs.inotify.max_user_watches with sysctl");
    }
    if (watch < 0) continue;  // gone again, or not ours to read
    if (const auto before = paths_.find(watch); before != paths_.end())
      watches_.erase(before->second);
    paths_[watch] = path;
    watches_[path] = watch;
    for (const std::string& name : folders_in(full(path))) waiting.push_back(joined(path, name));
  }
}

// The folder has another name, or none.
void TreeWatch::forget(const std::string& folder) {
  const std::string below = folder + '/';
  for (auto watch = watches_.lower_bound(folder); watch != watches_.end();) {
    const bool is_it = watch->first == folder || watch->first.starts_with(below);
    if (!is_it && watch->first > below && !watch->first.starts_with(folder)) break;
    if (!is_it) {
      ++watch;
      continue;
    }
    inotify_rm_watch(inotify_.get(), watch->second);
    paths_.erase(watch->second);
    watch = watches_.erase(watch);
  }
}

TreeWatch::Changes TreeWatch::take() {
  Changes changes;
  alignas(inotify_event) char buffer[kBufferBytes];
  for (ssize_t bytes; (bytes = read(inotify_.get(), buffer, sizeof buffer)) > 0;) {
    for (const char* at = buffer; at < buffer + bytes;) {
      const auto& event = *reinterpret_cast<const inotify_event*>(at);
      at += sizeof event + event.len;
      if (event.mask & IN_Q_OVERFLOW) changes.everything = true;
      const auto known = paths_.find(event.wd);
      if (known == paths_.end()) continue;
      const std::string folder = known->second;
      if (event.mask & IN_IGNORED) {
        watches_.erase(folder);
        paths_.erase(known);
        continue;
      }
      const std::string path = event.len > 0 ? joined(folder, event.name) : folder;
      if (event.mask & IN_ISDIR && event.len > 0) {
        if (event.mask & (IN_MOVED_FROM | IN_DELETE)) forget(path);
        if (event.mask & (IN_MOVED_TO | IN_CREATE)) add(path);
      } else if (event.mask & IN_CREATE && !is_whole(full(path))) {
        continue;
      }
      changes.folders.insert(folder);
    }
  }
  if (changes.everything) add("");
  return changes;
}

}  // namespace mirror
