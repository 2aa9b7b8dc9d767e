#include "scanner/probe/trouble.h"

#include <algorithm>
#include <limits>
#include <set>

namespace mirror::probe {

bool looks_like_own_trouble(const std::vector<Item*>& items, Family family) {
  constexpr std::size_t kFewest = 3;
  std::set<MirrorId> failing, well;
  double since_s = std::numeric_limits<double>::max();
  for (const Item* item : items) {
    if (item->way.family != family || !item->failing()) continue;
    failing.insert(item->mirror->mirror.id);
    since_s = std::min(since_s, item->first_bad_s);
  }
  for (const Item* item : items) {
    const MirrorId id = item->mirror->mirror.id;
    if (item->way.family == family && item->last_good_s >= since_s && !failing.contains(id))
      well.insert(id);
  }
  return failing.size() >= kFewest && failing.size() > well.size();
}

}  // namespace mirror::probe
