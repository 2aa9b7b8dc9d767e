// Which of the ranked mirrors a redirect names first. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "answer/decide.h"

namespace mirror {

// A client that asks again is sent round so many of the best mirrors, and then back to the first.
inline constexpr std::size_t kMostTurns = 4;

// The best `how_many` for a redirect: candidates(), less those whose traffic is at its cap, and
// beginning with the next one for a client that could not reach the one before it.
// `at_cap` tells whether some were left out for their traffic. `itself` as candidates() has it.
std::vector<Candidate> chosen(std::size_t how_many, const Request& request, const Client& client,
                              const File& file, const MirrorTable& mirrors,
                              const Settings& settings, const Mirror*& itself, bool& at_cap);

}  // namespace mirror
