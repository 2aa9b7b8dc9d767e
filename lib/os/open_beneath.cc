#include "os/open_beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdint>
#include <string_view>

namespace mirror {
namespace {

Descriptor open_stepwise(int root, std::string_view path, int flags) {
  Descriptor directory;
  int at = root;
  for (std::size_t slash; (slash = path.find('/')) != path.npos; path.remove_prefix(slash + 1)) {
    directory = Descriptor(openat(at, std::string(path.substr(0, slash)).c_str(),
                                  O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory) return Descriptor();
    at = directory.get();
  }
  return Descriptor(openat(at, std::string(path).c_str(), flags));
}

}  // namespace

Descriptor open_beneath(int root, const std::string& path, int flags) {
  flags |= O_CLOEXEC | O_NOFOLLOW;
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  const long fd = syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return Descriptor(static_cast<int>(fd));
  return open_stepwise(root, path, flags);
}

}  // namespace mirror
