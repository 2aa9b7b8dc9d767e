#include "scanner/web/folder.h"

#include <algorithm>

namespace mirror::scanner::web {
namespace {

bool is_exact(const PageEntry& shown) {
  return shown.size->exact() && shown.time->is_utc && shown.time->precision_s == 1;
}

}  // namespace

bool needs_head(const PageEntry& shown, const db::KnownFile& known, const TimeZone& zone) {
  if (!shown.size || !shown.time) return true;
  const ListedSize& size = *shown.size;
  const bool fits_earlier = std::any_of(known.earlier_sizes.begin(), known.earlier_sizes.end(),
                                        [&](std::int64_t earlier) { return size.fits(earlier); });
  if (fits_earlier) return !is_exact(shown);
  return size.fits(known.size_bytes) &&
         zone.judge(*shown.time, known.mtime_s) == TimeZone::Fit::ask;
}

void settle(Item& item, const TimeZone& zone) {
  const PageEntry& shown = item.shown;
  if (shown.size) item.size_bytes = shown.size->low;
  if (shown.time) item.mtime_s = shown.time->time_s;
  if (!item.known) return;
  if (shown.size && shown.size->fits(item.known->size_bytes))
    item.size_bytes = item.known->size_bytes;
  if (shown.time && zone.judge(*shown.time, item.known->mtime_s) == TimeZone::Fit::same)
    item.mtime_s = item.known->mtime_s;
}

}  // namespace mirror::scanner::web
