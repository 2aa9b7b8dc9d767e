#include "rank/rank_index.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

namespace mirror {
namespace {

void set(MirrorBits& bits, MirrorId id) {
  bits[static_cast<std::size_t>(id) / 64] |= std::uint64_t{1} << id % 64;
}

}  // namespace

RankIndex::RankIndex(std::span<const RankRow> rows) {
  MirrorId highest = 0;
  for (const RankRow& row : rows) highest = std::max(highest, row.id);
  const MirrorBits none(rows.empty() ? 0 : static_cast<std::size_t>(highest) / 64 + 1);
  for (auto& by_scheme : usable_) {
    for (auto& by_family : by_scheme) by_family.fill(none);
  }
  ipv6_ = nowhere_ = not_plain_ = anywhere_ = none;
  in_region_.fill(none);
  country_.fill(-1);
  std::vector<std::pair<AsNumber, MirrorId>> by_as;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool is_last = i + 1 == rows.size() || rows[i + 1].id != rows[i].id;
    if (!is_last || rows[i].id < 0) continue;  // as MirrorTable::find()
    add(rows[i]);
    if (rows[i].asn != 0) by_as.emplace_back(rows[i].asn, rows[i].id);
  }
  for (MirrorBits& bits : near_) {
    std::transform(bits.begin(), bits.end(), anywhere_.begin(), bits.begin(), std::bit_or());
  }

  std::sort(by_as.begin(), by_as.end());
  for (const auto& [asn, id] : by_as) {
    as_.push_back(asn);
    as_mirror_.push_back(id);
  }
}

void RankIndex::add(const RankRow& row) {
  for (const bool https : {false, true}) {
    for (const Family family : {Family::ipv6, Family::ipv4}) {
      if (!(row.flags & RankRow::usable_flag(https, family))) continue;
      set(usable_[true][https][family == Family::ipv4], row.id);
      if (!(row.flags & RankRow::stale)) set(usable_[false][https][family == Family::ipv4], row.id);
    }
  }
  has_stale_ |= (row.flags & RankRow::stale) != 0;
  if (row.flags & RankRow::ipv6) set(ipv6_, row.id);
  if (std::isnan(row.direction.x)) set(nowhere_, row.id);
  set(in_region_[static_cast<std::size_t>(row.region)], row.id);
  if (!(row.flags & RankRow::plain)) set(not_plain_, row.id);
  if (!(row.flags & RankRow::plain) || row.country.everyone()) return set(anywhere_, row.id);
  if (!row.country.known()) return;
  std::int16_t& slot = country_[row.country.slot()];
  if (slot < 0) {
    slot = static_cast<std::int16_t>(near_.size());
    near_.emplace_back(anywhere_.size());
  }
  set(near_[static_cast<std::size_t>(slot)], row.id);
}

std::span<const MirrorId> RankIndex::in_as(AsNumber asn) const {
  const auto [first, last] = std::equal_range(as_.begin(), as_.end(), asn);
  return {as_mirror_.data() + (first - as_.begin()), static_cast<std::size_t>(last - first)};
}

}  // namespace mirror
