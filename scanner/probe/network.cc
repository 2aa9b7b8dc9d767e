#include "scanner/probe/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace mirror::probe {
namespace {

// With fewer mirrors there is too little to compare with.
constexpr std::size_t kFewest = 3;
constexpr double kWait_s = 5;  // for a check of another mirror

MirrorId id_of(const Item& item) { return item.mirror->mirror.id; }

bool another_was_good(const Item& item, const std::vector<Item*>& items, double since_s) {
  return std::any_of(items.begin(), items.end(), [&](const Item* other) {
    return other->way.family == item.way.family && id_of(*other) != id_of(item) &&
           other->connected_s >= since_s;
  });
}

std::size_t count_mirrors(Family family, const std::vector<Item*>& items) {
  std::set<MirrorId> mirrors;
  for (const Item* item : items)
    if (item->way.family == family) mirrors.insert(id_of(*item));
  return mirrors.size();
}

}  // namespace

void Network::suspect(const Item& item) {
  if (control_.exists()) control_.ask(item.way.family, item.first_failed_s);
}

bool Network::worked_since_failure(const Item& item, const std::vector<Item*>& items) const {
  return (control_.exists() && control_.worked_since(item.way.family, item.first_failed_s)) ||
         another_was_good(item, items, item.first_failed_s);
}

// The network must have worked both before the last check failed and after that, or it may have
// been away just then.
Fault Network::judge(const Item& item, const std::vector<Item*>& items) {
  const Family family = item.way.family;
  const bool worked = item.pending->network_worked;
  if (control_.exists()) {
    const Control::State state = control_.ask(family, item.pending->ended_s);
    if (state == Control::State::asking) return Fault::asking;
    if (state == Control::State::works) return worked ? Fault::mirrors : Fault::once;
    // They fail, which may be their own fault: another mirror tells.
  } else if (count_mirrors(family, items) < kFewest) {
    return Fault::mirrors;
  }
  if (another_was_good(item, items, item.pending->others_since_s))
    return worked ? Fault::mirrors : Fault::once;
  return now_s_ - item.pending->ended_s < kWait_s ? Fault::asking : Fault::networks;
}

std::string Network::words(Family family) const {
  return fmt::format(
      "mirrors fail over {}, {}: nothing is changed", family == Family::ipv4 ? "IPv4" : "IPv6",
      control_.exists() ? "and so do the control URLs: our own network has trouble"
                        : "none answers, and no probe_control in mb.toml tells whether our own "
                          "network works");
}

}  // namespace mirror::probe
