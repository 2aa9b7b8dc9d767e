#include "rank/mirror_table.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "core/path.h"
#include "rank/may_serve.h"

namespace mirror {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Direction known_direction(const Mirror& mirror) {
  const auto place = mirror.place ? mirror.place : centroid_of(mirror.country);
  return place ? direction(*place) : Direction{kNaN, kNaN, kNaN};
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
      set(RankRow::usable_flag(https, family), !unusable(mirror, https, family));
  }
  set(RankRow::ipv6, mirror.ipv6);
  set(RankRow::plain, is_plain(mirror));
  return row;
}

// What may stand in a link that people follow.
bool is_web_address(std::string_view url) {
  const bool known_scheme = url.starts_with("http://") || url.starts_with("https://");
  return known_scheme &&
         std::all_of(url.begin(), url.end(), [](unsigned char c) { return c > ' ' && c != 0x7f; });
}

}  // namespace

MirrorTable::MirrorTable(std::int64_t rev, std::vector<Mirror> mirrors)
    : rev_(rev), mirrors_(std::move(mirrors)) {
  std::sort(mirrors_.begin(), mirrors_.end(),
            [](const Mirror& a, const Mirror& b) { return a.id < b.id; });
  rows_.reserve(mirrors_.size());
  for (std::size_t position = 0; position < mirrors_.size(); ++position) {
    Mirror& mirror = mirrors_[position];
    if (!usable_base(mirror.http_url, "http://")) mirror.http_url.clear();
    if (!usable_base(mirror.https_url, "https://")) mirror.https_url.clear();
    if (!is_web_address(mirror.operator_url)) mirror.operator_url.clear();
    mirror.identifier = printable(mirror.identifier);
    if (mirror.region == Region::unknown) mirror.region = region_of(mirror.country);
    rows_.push_back(rank_row(mirror));
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
