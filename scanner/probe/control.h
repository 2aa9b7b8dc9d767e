// The control URLs (probe_control in mb.toml), which tell whether our own network works. One
// thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "net/request_pool.h"
#include "scanner/check/check.h"

namespace mirror::probe {

// Times are seconds of the caller's clock, as its last tick() said.
class Control {
 public:
  enum class State : std::uint8_t { asking, works, fails };

  // All must outlive it.
  Control(net::RequestPool& pool, const std::vector<std::string>& urls, const CheckOptions& options)
      : pool_(pool), urls_(urls), options_(options) {}

  bool exists() const { return !urls_.empty(); }
  void tick(double now_s) { now_s_ = now_s; }
  // Whether one of the URLs answers over this family, in a round of questions that began at
  // `since_s` or later. Begins one where there is none. Over http only 2xx counts, or a redirect to
  // the same host: in a hotel's or a provider's network others answer in its place. REQUIRES:
  // exists().
  State ask(Family family, double since_s);
  // Whether one answered between `since_s` and now.
  bool worked_since(Family family, double since_s) const;

 private:
  struct Round {
    int waiting = 0;
    bool answered = false;
    double began_s = -1, worked_s = -1;  // never: -1
  };
  void begin(Family family, Round& round);

  net::RequestPool& pool_;
  const std::vector<std::string>& urls_;
  const CheckOptions& options_;
  std::array<Round, 2> rounds_;  // by family
  double now_s_ = 0;
};

}  // namespace mirror::probe
