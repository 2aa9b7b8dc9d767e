#include "explain/explanation.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace mirror {

std::vector<LeftOut> without_file(const MirrorTable& mirrors, const MirrorSet& with_file,
                                  const std::function<std::string(const Mirror&)>& reason) {
  const std::vector<MirrorId> ids = with_file.ids();
  std::vector<LeftOut> result;
  for (const Mirror& mirror : mirrors.all()) {
    if (std::find(ids.begin(), ids.end(), mirror.id) == ids.end())
      result.push_back({mirror.id, mirror.identifier, reason(mirror)});
  }
  return result;
}

std::vector<double> shares(const std::vector<Candidate>& accepted) {
  const auto class_of = [](const Candidate& c) {
    const int prefix_bits = c.tier == Tier::prefix ? c.prefix_bits : 0;
    return std::tuple(c.oversized, c.tier, c.speaks_family, prefix_bits);
  };
  std::map<std::tuple<bool, Tier, bool, int>, double> sums;
  for (const Candidate& candidate : accepted)
    sums[class_of(candidate)] += candidate.effective_weight;
  std::vector<double> result;
  for (const Candidate& candidate : accepted)
    result.push_back(candidate.effective_weight / sums[class_of(candidate)]);
  return result;
}

}  // namespace mirror
