#include "answer/choose.h"

#include <algorithm>

#include "answer/listed.h"

namespace mirror {

std::vector<Candidate> chosen(std::size_t how_many, const Request& request, const Client& client,
                              const File& file, const MirrorTable& mirrors,
                              const Settings& settings, const Mirror*& itself, bool& at_cap) {
  const auto is_full = [&](const Candidate& candidate) {
    return candidate.mirror->max_mbit > 0 && request.is_full && request.is_full(*candidate.mirror);
  };
  auto ranked = candidates(how_many, request, client, file, mirrors, settings, itself);
  const bool any_full = std::any_of(ranked.begin(), ranked.end(), is_full);
  if (!any_full && request.turn == 0) return ranked;
  if (ranked.size() == how_many)
    ranked = candidates(file.mirrors.size(), request, client, file, mirrors, settings, itself);
  at_cap = std::erase_if(ranked, is_full) > 0;
  if (ranked.empty()) return ranked;
  const std::size_t turn = request.turn % std::min(ranked.size(), kMostTurns);
  std::rotate(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(turn), ranked.end());
  ranked.resize(std::min(ranked.size(), how_many));
  return ranked;
}

}  // namespace mirror
