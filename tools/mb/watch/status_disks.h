// Looks at the disks of an instance's source and catalog in a thread of its own: a network file
// system whose server is dead never answers, and nothing but the program's end ends that wait.
#pragma once

#include <chrono>
#include <future>
#include <vector>

#include "config/instance.h"
#include "tools/mb/watch/status.h"

namespace mirror::mb {

class DiskLook {
 public:
  explicit DiskLook(const Instance&);  // begins to look
  // What is known by then; what has not answered says so. Once.
  std::vector<Disk> found(std::chrono::steady_clock::time_point deadline);

 private:
  struct Place {
    Disk disk;                // as it is known before
    std::future<Disk> later;  // with an empty path: this host has none
  };
  std::vector<Place> places_;
};

}  // namespace mirror::mb
