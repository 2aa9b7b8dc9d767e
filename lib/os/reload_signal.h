// SIGHUP as a request to read the configuration again, for services. Made once, in main(), after
// the StopSignal, which takes SIGHUP for a request to stop.
#pragma once

namespace mirror {

class ReloadSignal {
 public:
  // REQUIRES: there is no other one.
  ReloadSignal();
  ReloadSignal(const ReloadSignal&) = delete;
  ReloadSignal& operator=(const ReloadSignal&) = delete;

  // Whether it came since the last call. Any thread.
  bool take();
  bool came() const;
};

}  // namespace mirror
