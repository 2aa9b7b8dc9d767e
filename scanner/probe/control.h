// The control URLs (probe_control in mb.toml), which tell whether our own network works. One
// thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "net/request_pool.h"
#include "scanner/probe/check.h"

namespace mirror::probe {

class Control {
 public:
  enum class State : std::uint8_t { asking, works, fails, none };  // none: there is no URL

  // All must outlive it.
  Control(net::RequestPool& pool, const std::vector<std::string>& urls, const CheckOptions& options)
      : pool_(pool), urls_(urls), options_(options) {}

  // Whether one of the URLs answers over this family, whatever its status. Asks anew when it was
  // not asked for some seconds.
  State ask(Family family, double now_s);

 private:
  struct Round {
    int waiting = 0;
    bool answered = false;
    double asked_s = -1;  // never: -1
  };
  void begin(Family family, Round& round);

  net::RequestPool& pool_;
  const std::vector<std::string>& urls_;
  const CheckOptions& options_;
  std::array<Round, 2> rounds_;  // by family
};

}  // namespace mirror::probe
