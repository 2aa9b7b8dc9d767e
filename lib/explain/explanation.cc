#include "explain/explanation.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "core/path.h"

namespace mirror {
namespace {

bool has_mirror(const std::vector<Candidate>& candidates, MirrorId id) {
  return std::any_of(candidates.begin(), candidates.end(),
                     [&](const Candidate& candidate) { return candidate.mirror->id == id; });
}

}  // namespace

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

std::string held_back_because(const File& file, MirrorId mirror) {
  const std::vector<MirrorId> holders = file.holders.ids(), allowed = file.mirrors.ids();
  const auto has = [mirror](const std::vector<MirrorId>& ids) {
    return std::find(ids.begin(), ids.end(), mirror) != ids.end();
  };
  if (!has(holders) || has(allowed)) return "";
  if (file.origin_only)
    return "the file comes from the origin alone: it is an anchor or signature of a mutable group";
  return "has not the whole current group " + printable(file.group.value_or(""));
}

void rank_as_listed(Explanation& explanation, const Listed& list, int most, bool of_repository) {
  std::vector<Candidate> named = list.ranked;
  for (std::size_t at = named.size() - list.with_former; at < named.size(); ++at)
    explanation.with_former.push_back(named[at].mirror->id);
  if (most > 0 && named.size() > static_cast<std::size_t>(most))
    named.resize(static_cast<std::size_t>(most));
  const auto reason = [&](const Mirror& mirror) {
    if (list.http_only && mirror.http_url.empty()) return "has no http URL (protocol=http)";
    const bool is_near = has_mirror(list.ranked, mirror.id);
    return of_repository && !is_near ? "far, and enough mirrors are near: MirrorRepositoryNear"
                                     : "beyond MirrorListLimit";
  };
  for (const Candidate& candidate : explanation.ranking.accepted) {
    const Mirror& mirror = *candidate.mirror;
    if (!has_mirror(named, mirror.id))
      explanation.left_out.push_back({mirror.id, mirror.identifier, reason(mirror)});
  }
  // What one country refuses, a further one may have.
  std::erase_if(explanation.ranking.rejected,
                [&](const Rejected& rejected) { return has_mirror(named, rejected.id); });
  explanation.ranking.accepted = std::move(named);
}

bool has_former_only(const Explanation& explanation, const Candidate& candidate) {
  const auto& ids = explanation.with_former;
  return std::find(ids.begin(), ids.end(), candidate.mirror->id) != ids.end();
}

const PathGlob* immutable_glob(const Explanation& explanation) {
  if (!explanation.file || explanation.mirrors == nullptr) return nullptr;
  return explanation.mirrors->rules().immutable_glob(explanation.file->path);
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
