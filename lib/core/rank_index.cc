#include "core/rank_index.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mirror {
namespace {

void set(MirrorBits& bits, std::size_t position) { bits[position / 64] |= std::uint64_t{1} << position % 64; }

}  // namespace

RankIndex::RankIndex(std::span<const RankRow> rows) {
  const MirrorBits none((rows.size() + 63) / 64);
  for (auto& by_family : usable_) by_family.fill(none);
  ipv6_ = nowhere_ = not_plain_ = anywhere_ = none;
  in_region_.fill(none);
  country_.fill(-1);
  for (std::size_t position = 0; position < rows.size(); ++position) add(rows[position], position);
  for (MirrorBits& bits : near_) {
    std::transform(bits.begin(), bits.end(), anywhere_.begin(), bits.begin(), std::bit_or());
  }

  as_position_.resize(rows.size());
  std::iota(as_position_.begin(), as_position_.end(), 0u);
  std::erase_if(as_position_, [&](std::uint32_t position) { return rows[position].asn == 0; });
  std::stable_sort(as_position_.begin(), as_position_.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return rows[a].asn < rows[b].asn; });
  for (const std::uint32_t position : as_position_) as_.push_back(rows[position].asn);
}

void RankIndex::add(const RankRow& row, std::size_t position) {
  for (const bool https : {false, true}) {
    if (!(row.flags & (https ? RankRow::usable_https : RankRow::usable))) continue;
    set(usable_[https][0], position);
    if (row.flags & RankRow::ipv4) set(usable_[https][1], position);
  }
  if (row.flags & RankRow::ipv6) set(ipv6_, position);
  if (std::isnan(row.direction.x)) set(nowhere_, position);
  set(in_region_[static_cast<std::size_t>(row.region)], position);
  if (!(row.flags & RankRow::plain)) set(not_plain_, position);
  if (!(row.flags & RankRow::plain) || row.country.everyone()) return set(anywhere_, position);
  if (!row.country.known()) return;
  std::int16_t& slot = country_[row.country.slot()];
  if (slot < 0) {
    slot = static_cast<std::int16_t>(near_.size());
    near_.emplace_back(anywhere_.size());
  }
  set(near_[slot], position);
}

std::span<const std::uint32_t> RankIndex::in_as(AsNumber asn) const {
  const auto [first, last] = std::equal_range(as_.begin(), as_.end(), asn);
  return {as_position_.data() + (first - as_.begin()), static_cast<std::size_t>(last - first)};
}

}  // namespace mirror
