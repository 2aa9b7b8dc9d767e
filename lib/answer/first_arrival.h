// A new large file that few mirrors have yet: only so many clients are sent to them as they can
// bear, so that the first ones to have it are not overrun. Pure.
#pragma once

#include <cstdint>

#include "answer/decide.h"

namespace mirror {

// How long a version of a file is new.
inline constexpr std::int64_t kNewForS = 24 * 3600;

// The part of the clients that go to mirrors, from 0 to 1: factor times the weight of the mirrors
// that have the file, over that of all that take such files and serve clients from everywhere. 1
// for files that are not new, or small, or that only mirrors have which choose their clients.
double mirrored_share(const File& file, const MirrorTable& mirrors,
                      const FirstArrivalSettings& settings, std::int64_t now_s);

// Whether this client is of that part in this minute. The same on every host.
bool is_among(double share, const Address& client, std::int64_t now_s);

// Until another minute begins, and with it another draw.
inline std::int64_t next_draw_s(std::int64_t now_s) { return 60 - now_s % 60; }

}  // namespace mirror
