// SIGINT, SIGTERM and SIGHUP as a request to stop, for programs that end their work in order. Made
// once, in main(), before any other thread: all threads share what it tells.
#pragma once

#include <atomic>

#include "os/descriptor.h"

namespace mirror {

// The first signal asks; a second one ends the program at once. SIGPIPE is ignored from now on:
// a reader that went away is a failed write.
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

 private:
  Descriptor event_;
};

}  // namespace mirror
