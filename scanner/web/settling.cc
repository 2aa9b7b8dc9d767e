#include "scanner/web/settling.h"

#include <algorithm>
#include <utility>

#include "core/http_date.h"
#include "core/number.h"
#include "scanner/list/entry.h"

namespace mirror::scanner::web {
namespace {

constexpr int kAtOnce = 8;
// Of files that have another time than the source's. A server whose Last-Modified has nothing to do
// with the times that it shows is asked for no more.
constexpr int kMostSamples = 64;
// Nor is one that does not answer, or does not tell.
constexpr int kMostUnanswered = 16;

bool is_exact(const PageEntry& shown) {
  return shown.size->exact() && shown.time->is_utc && shown.time->precision_s == 1;
}

// Whether only HEAD tells which version the page shows, whatever the time zone.
bool shows_too_little(const PageEntry& shown, const db::KnownFile& known) {
  if (!shown.size || !shown.time) return true;
  const bool fits_earlier =
      std::any_of(known.earlier_sizes.begin(), known.earlier_sizes.end(),
                  [&](std::int64_t earlier) { return shown.size->fits(earlier); });
  return fits_earlier && !is_exact(shown);
}

// Of an empty file, httpd does not send the length in an answer to HEAD.
std::optional<std::int64_t> length_of(const net::PoolAnswer& answer, const db::KnownFile& known) {
  const std::string_view length = answer.header("Content-Length");
  if (!length.empty()) return whole_number<std::int64_t>(length);
  const bool empty = known.size_bytes == 0 && answer.header("Transfer-Encoding").empty();
  return empty ? std::optional<std::int64_t>(0) : std::nullopt;
}

}  // namespace

Settling::Next Settling::next(Item& item) {
  const PageEntry& shown = *item.shown;
  if (item.known && shows_too_little(shown, *item.known)) return Next::ask;
  if (shown.size) item.size_bytes = shown.size->low;
  if (shown.time) item.mtime_s = zone_.in_utc(*shown.time).low_s;
  if (!item.known || !shown.size->fits(item.known->size_bytes)) return Next::settled;
  item.size_bytes = item.known->size_bytes;
  const Next next = settle_time(item);
  if (next == Next::settled) settle_as_shown(item);
  return next;
}

Settling::Next Settling::settle_time(Item& item) {
  const ListedTime& listed = *item.shown->time;
  const std::int64_t source_s = item.known->mtime_s;
  const TimeZone::Fit fit = zone_.judge(listed, source_s);
  if (fit == TimeZone::Fit::ask) return ask_for_zone(item);
  if (fit == TimeZone::Fit::same) {
    item.mtime_s = source_s;
    return Next::settled;
  }
  if (listed.is_utc) return Next::settled;
  if (!zone_.is_known()) {
    if (samples_ >= kMostSamples) {
      item.mtime_s = time_in_doubt(item);
      return Next::settled;
    }
    const Next next = ask_for_zone(item);
    if (next == Next::ask) ++samples_;
    return next;
  }
  // In one of the server's zones it may be older than the source's, in another not.
  const auto [low_s, high_s] = zone_.in_utc(listed);
  const auto is_older = [&](std::int64_t time_s) {
    return time_s <= source_s - listed.precision_s;
  };
  return is_older(low_s) == is_older(high_s) ? Next::settled : ask_for_zone(item);
}

Settling::Next Settling::ask_for_zone(Item& item) {
  if (unanswered_ >= kMostUnanswered) {
    item.mtime_s = time_in_doubt(item);
    return Next::settled;
  }
  if (asked_for_zone_ >= std::min(kAtOnce, kMostUnanswered - unanswered_)) return Next::wait;
  ++asked_for_zone_;
  item.for_zone = true;
  return Next::ask;
}

// In a zone that nobody knows it is listed as early as it can be: of a mirror that does not keep
// times, no earlier version shall look as new as the source's. What a zone west of UTC explains is
// older as it is shown, and so all stay within 14 hours of the source's on a mirror that does.
std::int64_t Settling::time_in_doubt(const Item& item) const {
  const ListedTime& listed = *item.shown->time;
  const std::int64_t source_s = item.known->mtime_s;
  const TimeZone::Fit fit = zone_.judge(listed, source_s);
  if (fit == TimeZone::Fit::same) return source_s;
  const std::int64_t time_s = zone_.in_utc(listed).low_s;
  if (listed.is_utc || listed.likely_utc || zone_.is_known()) return time_s;
  const bool is_west = fit == TimeZone::Fit::ask && time_s < source_s;
  return is_west ? time_s : time_s - TimeZone::kFurthest_s;
}

void Settling::settle_as_shown(Item& item) {
  ++timed_;
  note_precision(item);
}

void Settling::note_precision(const Item& item) {
  if (item.shown->time->precision_s <= 1) return;
  const auto shown =
      item.shown->time->precision_s <= 60 ? db::Precision::minute : db::Precision::day;
  precision_ = std::max(precision_, shown);
}

void Settling::refuse(Item& item) {
  if (std::exchange(item.for_zone, false)) --asked_for_zone_;
  item.absent = true;
}

void Settling::take_nothing(Item& item) {
  item.for_zone = false;
  item.in_doubt = true;
  --asked_for_zone_;
  ++unanswered_;
}

void Settling::settle_rest(Item& item) {
  if (!std::exchange(item.in_doubt, false)) return;
  item.mtime_s = time_in_doubt(item);
  settle_as_shown(item);
}

void Settling::take(Item& item, const net::PoolAnswer& answer) {
  const std::optional<std::int64_t> length = length_of(answer, *item.known);
  const std::int64_t exact_s = parse_http_date(answer.header("Last-Modified"));
  const bool tells_shown = length && item.shown->size && item.shown->size->fits(*length);
  if (item.for_zone && (!tells_shown || exact_s < 0)) return take_nothing(item);
  const bool for_zone = std::exchange(item.for_zone, false);
  if (for_zone) --asked_for_zone_;
  item.absent = !length;
  if (item.absent) return;
  item.size_bytes = *length;
  item.mtime_s = kNoTime_s;
  const std::optional<ListedTime>& shown = item.shown->time;
  if (exact_s >= 0) {
    ++timed_;
    item.mtime_s = exact_s;
    if (!shown) return;
    zone_.learn(*shown, item.known->mtime_s, exact_s);
    // As it would be listed, had another file been asked for: an unchanged mirror is listed the
    // same.
    const std::optional<std::int64_t> as_shown = TimeZone::as_shown(*shown, exact_s);
    if (!for_zone || !as_shown || exact_s == item.known->mtime_s) return;
    item.mtime_s = *as_shown;
    note_precision(item);
  } else if (shown) {
    item.mtime_s = time_in_doubt(item);
    settle_as_shown(item);
  } else if (item.size_bytes == item.known->size_bytes) {
    ++timeless_;
  }
}

}  // namespace mirror::scanner::web
