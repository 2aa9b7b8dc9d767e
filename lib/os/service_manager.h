// Tells systemd how a service is doing: datagrams to the socket that $NOTIFY_SOCKET names, as
// sd_notify(3) sends them. Without that variable nothing is told. One thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "os/descriptor.h"

namespace mirror {

class ServiceManager {
 public:
  ServiceManager();  // reads the environment

  void ready() { tell("READY=1"); }
  void stopping() { tell("STOPPING=1"); }
  // The service is alive: call it often, it tells so a few times within $WATCHDOG_USEC.
  void alive();

 private:
  void tell(std::string_view state) const noexcept;
  std::string address_;  // a path; an abstract one begins with NUL
  Descriptor socket_;
  std::chrono::microseconds watchdog_{0};  // 0: nobody watches
  std::chrono::steady_clock::time_point told_alive_{};
};

}  // namespace mirror
