#include "scanner/scan/watch.h"

#include <poll.h>
#include <sys/stat.h>

#include <chrono>

#include "os/tree_watch.h"
#include "scanner/list/exclude.h"

namespace mirror::scanner {
namespace {

using Clock = std::chrono::steady_clock;
// Changes come in groups: they are listed together once it is quiet, but not later than that.
constexpr std::chrono::milliseconds kQuiet(100), kLatest(500);
constexpr std::chrono::seconds kRetry(5);  // after a scan that failed or was locked out
constexpr std::size_t kMostFolders = 16;

// Waits until there is something to read, or to stop.
void wait_for(int fd, const StopSignal& stop, std::chrono::milliseconds time) {
  pollfd fds[] = {{fd, POLLIN, 0}, {stop.fd(), POLLIN, 0}};
  poll(fds, 2, static_cast<int>(time.count()));
}

class Watcher {
 public:
  Watcher(const ScanOptions& options, const StopSignal& stop)
      : exclusion_(options.instance.exclude),
        watch_(options.instance.source,
               [this](const std::string& folder) { return exclusion_.excludes(folder, true); }),
        root_(options.instance.source),
        stop_(stop) {}

  // Until something has changed and it is quiet again.
  void wait(std::chrono::milliseconds longest) {
    const auto begin = Clock::now();
    take();
    while (waiting_.empty() && !stop_.asked() && Clock::now() - begin < longest) {
      wait_for(watch_.fd(), stop_, longest);
      take();
    }
    const auto first = Clock::now();
    while (!stop_.asked() && Clock::now() - first < kLatest) {
      wait_for(watch_.fd(), stop_, kQuiet);
      if (!take()) break;
    }
  }

  std::set<std::string> due() { return folders_to_list(std::exchange(waiting_, {})); }
  void again(const std::string& folder) { waiting_.insert(folder); }
  // What is gone was told of its parent.
  bool exists(const std::string& folder) const {
    struct stat status {};
    return folder.empty() || stat((root_ + '/' + folder).c_str(), &status) == 0;
  }

 private:
  bool take() {
    TreeWatch::Changes changes = watch_.take();
    if (changes.everything) changes.folders.insert("");
    waiting_.merge(changes.folders);
    return !changes.folders.empty() || changes.everything;
  }

  Exclusion exclusion_;
  TreeWatch watch_;
  std::string root_;
  const StopSignal& stop_;
  std::set<std::string> waiting_{""};
};

}  // namespace

std::set<std::string> folders_to_list(const std::set<std::string>& changed) {
  std::set<std::string> topmost;
  for (const std::string& folder : changed) {
    bool covered = topmost.contains("");
    for (std::size_t slash = folder.find('/'); slash != std::string::npos && !covered;
         slash = folder.find('/', slash + 1))
      covered = topmost.contains(folder.substr(0, slash));
    if (!covered) topmost.insert(folder);
  }
  return topmost.size() > kMostFolders ? std::set<std::string>{""} : topmost;
}

bool watch_source(const ScanOptions& options, Reporter& reporter, const StopSignal& stop,
                  Lent& connection) {
  Watcher watcher(options, stop);
  bool good = true;
  while (!stop.asked()) {
    watcher.wait(good ? std::chrono::hours(1) : std::chrono::milliseconds(kRetry));
    const std::set<std::string> due = watcher.due();
    good = good || !due.empty();
    for (const std::string& folder : due) {
      if (stop.asked()) break;
      if (!watcher.exists(folder)) continue;
      ScanOptions part = options;
      part.subtree = folder;
      if (scan_the_source(part, reporter, stop, connection).failed == 0) continue;
      good = false;
      watcher.again(folder);
    }
    if (!good && !stop.asked()) wait_for(-1, stop, kRetry);
  }
  return good;
}

}  // namespace mirror::scanner
