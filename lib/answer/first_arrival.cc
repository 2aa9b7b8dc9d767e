#include "answer/first_arrival.h"

#include <algorithm>

namespace mirror {

double mirrored_share(const File& file, const MirrorTable& mirrors,
                      const FirstArrivalSettings& settings, std::int64_t now_s) {
  const bool is_new = file.new_since_s && now_s - *file.new_since_s < kNewForS;
  if (!is_new || settings.factor <= 0 || file.size_bytes < settings.min_size_bytes) return 1;
  const bool with_stale = mirrors.is_for_stale(file.path);
  const auto weight_of = [&](const Mirror& mirror) {
    const bool chooses = mirror.prefix_only || mirror.as_only || mirror.country_only ||
                         mirror.region_only || is_oversized(mirror, file.size_bytes);
    return chooses || serves_nobody(mirror, with_stale) ? 0.0 : static_cast<double>(mirror.weight);
  };
  double with_file = 0, all = 0;
  for (const MirrorId id : file.mirrors.ids()) {
    if (const Mirror* mirror = mirrors.find(id)) with_file += weight_of(*mirror);
  }
  if (with_file <= 0) return 1;  // only mirrors that choose their clients have it
  for (const Mirror& mirror : mirrors.all()) all += weight_of(mirror);
  return std::min(1.0, settings.factor * with_file / all);
}

bool is_among(double share, const Address& client, std::int64_t now_s) {
  if (share >= 1) return true;
  const std::uint64_t minute = static_cast<std::uint64_t>(now_s / 60);
  const std::uint64_t number = scattered(client_number(client.located()) ^ scattered(minute));
  return static_cast<double>(number >> 11) * 0x1p-53 < share;
}

}  // namespace mirror
