#include "rank/mirror_table.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/path.h"
#include "core/url.h"
#include "rank/may_serve.h"

namespace mirror {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Direction known_direction(const Mirror& mirror) {
  if (mirror.place) return direction(*mirror.place);
  if (const auto centre = centroid_direction_of(mirror.country)) return *centre;
  return centroid_direction_of(mirror.region).value_or(Direction{kNaN, kNaN, kNaN});
}

RankRow rank_row(const Mirror& mirror) {
  RankRow row{known_direction(mirror),
              scattered(static_cast<std::uint64_t>(mirror.id)),
              mirror.weight,
              mirror.asn,
              mirror.country,
              mirror.region,
              0,
              mirror.id};
  const auto set = [&row](int flag, bool on) { row.flags |= on ? flag : 0; };
  for (const bool https : {false, true}) {
    for (const Family family : {Family::ipv6, Family::ipv4})
      set(RankRow::usable_flag(https, family), !unusable(mirror, https, family, true));
  }
  set(RankRow::stale, mirror.standing == Standing::stale);
  set(RankRow::ipv6, mirror.ipv6);
  set(RankRow::plain, is_plain(mirror));
  set(RankRow::placed, mirror.place.has_value());
  return row;
}

RankRow row_at(RankRow row, const MirrorPlace& place) {
  row.direction = direction(place.place);
  row.country = place.country;
  row.region = region_of(place.country);
  row.flags |= RankRow::placed;
  return row;
}

}  // namespace

MirrorTable::MirrorTable(std::int64_t rev, std::vector<Mirror> mirrors, PathRules rules,
                         std::optional<Pause> pause)
    : rev_(rev), mirrors_(std::move(mirrors)), rules_(std::move(rules)), pause_(std::move(pause)) {
  std::sort(mirrors_.begin(), mirrors_.end(),
            [](const Mirror& a, const Mirror& b) { return a.id < b.id; });
  rows_.reserve(mirrors_.size());
  for (std::size_t position = 0; position < mirrors_.size(); ++position) {
    Mirror& mirror = mirrors_[position];
    if (!is_url(mirror.http_url, UrlKind::http_base)) mirror.http_url.clear();
    if (!is_url(mirror.https_url, UrlKind::https_base)) mirror.https_url.clear();
    if (!is_url(mirror.operator_url, UrlKind::page)) mirror.operator_url.clear();
    mirror.identifier = printable(mirror.identifier);
    if (mirror.region == Region::unknown) mirror.region = region_of(mirror.country);
    rows_.push_back(rank_row(mirror));
    for (const MirrorPlace& place : mirror.places)
      place_rows_.push_back(row_at(rows_.back(), place));
    first_place_.push_back(place_rows_.size());
    if (mirror.id < 0) continue;
    const auto slot = static_cast<std::size_t>(mirror.id);
    if (positions_.size() <= slot) positions_.resize(slot + 1, -1);
    positions_[slot] = static_cast<std::int32_t>(position);
  }
  index_ = RankIndex(rows_);
}

const Mirror* MirrorTable::find(MirrorId id) const {
  const auto at = position(id);
  return at ? &mirrors_[*at] : nullptr;
}

}  // namespace mirror
