// SIGINT, SIGTERM and SIGHUP as a request to stop, for programs that must finish their work. Made
// once, in main(), before any other thread; all threads use it.
#pragma once

#include <atomic>
#include <chrono>

#include "os/descriptor.h"

namespace mirror {

// The first signal asks the program to stop; a second one ends it at once. SIGPIPE is ignored from
// now on: writing to a closed pipe is a failed write.
class StopSignal {
 public:
  // Throws std::system_error. REQUIRES: there is no other one.
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  // True once the program was asked to stop. Any thread.
  const std::atomic<bool>& asked() const;
  // Readable once the program was asked to stop, for poll(); never read it.
  int fd() const { return event_.get(); }
  // Until the program is asked to stop, but no longer than that.
  void wait(std::chrono::milliseconds limit) const;

 private:
  Descriptor event_;
};

}  // namespace mirror
