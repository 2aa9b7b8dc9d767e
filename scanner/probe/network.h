// Whether failures are the mirrors' own or those of this machine's network. A mirror is believed to
// be down only if the network was seen to work while the mirror failed: some control URL answered,
// or another mirror did. One thread. Times are seconds of one steady clock.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scanner/probe/control.h"
#include "scanner/probe/fleet.h"

namespace mirror::probe {

enum class Fault : std::uint8_t {
  asking,    // not known yet: judge again soon
  mirrors,   // the mirror is down
  once,      // the network may have come back only now: check the mirror once more
  networks,  // this machine's
};

class Network {
 public:
  Network(net::RequestPool& pool, const std::vector<std::string>& control_urls,
          const CheckOptions& options)
      : control_(pool, control_urls, options) {}

  void tick(double now_s) {
    now_s_ = now_s;
    control_.tick(now_s);
  }
  // A mirror began to fail now: time to look whether the network works.
  void suspect(const Item& item);
  // Whether the network was seen to work since the item began to fail, up to now.
  bool worked_since_failure(const Item& item, const std::vector<Item*>& items) const;
  // Whose fault the item's pending failure is. REQUIRES: item.pending.
  Fault judge(const Item& item, const std::vector<Item*>& items);
  // What to tell the admin when it is the network's.
  std::string words(Family family) const;

 private:
  Control control_;
  double now_s_ = 0;
};

}  // namespace mirror::probe
