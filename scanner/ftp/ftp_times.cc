#include "scanner/ftp/ftp_times.h"

#include <algorithm>
#include <cstdlib>

namespace mirror::scanner::ftp {
namespace {

constexpr std::int64_t kStep_s = 900, kFurthest_s = 14 * std::int64_t{3600}, kDay_s = 86400;
constexpr std::size_t kEnough = 3, kMostTimes = 1000;

bool is_day(const ListedTime& time) { return time.precision_s > 60; }

// Whether a file of that time is shown so by a server in some time zone.
bool shows_day_of(const ListedTime& listed, std::int64_t source_s) {
  return source_s > listed.time_s - kFurthest_s && source_s < listed.time_s + kDay_s + kFurthest_s;
}

bool is_by_zone(std::int64_t ahead_s) {
  return ahead_s != 0 && ahead_s % kStep_s == 0 && std::llabs(ahead_s) <= kFurthest_s;
}

bool had_size(const db::KnownFile& known, std::int64_t size_bytes) {
  return std::find(known.earlier_sizes.begin(), known.earlier_sizes.end(), size_bytes) !=
         known.earlier_sizes.end();
}

}  // namespace

bool FtpTimes::must_ask(FtpItem& item) {
  Entry& entry = item.shown.entry;
  const ListedTime& time = item.shown.time;
  if (!item.known || item.known->size_bytes != entry.size_bytes) return false;
  if (!has_mdtm_) {
    const auto shown = is_day(time) ? db::Precision::day : db::Precision::minute;
    precision_ = std::max(precision_, shown);
    return false;
  }
  precision_ = std::max(precision_, db::Precision::minute);
  if (is_day(time)) {
    if (!shows_day_of(time, item.known->mtime_s)) return false;
    if (had_size(*item.known, entry.size_bytes)) return true;
    entry.mtime_s = item.known->mtime_s;
    return false;
  }
  const TimeZone::Fit fit = zone_.judge(time, item.known->mtime_s);
  if (fit == TimeZone::Fit::same) entry.mtime_s = item.known->mtime_s;
  return fit == TimeZone::Fit::ask;
}

bool FtpTimes::take(FtpItem& item, std::optional<std::int64_t> told_s) {
  if (!told_s) return true;
  const ListedTime& listed = item.shown.time;
  const std::int64_t source_s = item.known->mtime_s, ahead_s = *told_s - source_s;
  const bool by_zone = is_by_zone(ahead_s);
  const bool as_shown = *told_s >= listed.time_s && *told_s < listed.time_s + listed.precision_s;
  item.shown.entry.mtime_s = *told_s;
  if (!by_zone || !as_shown || in_utc_ > 0) {
    if (ahead_s == 0) ++in_utc_;
    // MDTM may be in the same zone as LIST, until a file shows that it is in UTC.
    const bool tells_zone = !as_shown || in_utc_ > 0;
    if (!is_day(listed) && tells_zone) zone_.learn(listed, source_s, *told_s);
    return true;
  }
  std::set<std::int64_t>& times = ahead_[ahead_s];
  if (times.size() < kMostTimes) times.insert(source_s);
  if (times.size() >= kEnough && !is_day(listed)) zone_.learn(listed, source_s, source_s);
  return false;
}

bool FtpTimes::take_untimed(FtpItem& item, std::int64_t told_s) {
  item.shown.entry.mtime_s = told_s;
  return in_utc_ > 0 || !is_by_zone(told_s - item.known->mtime_s);
}

void FtpTimes::decide(FtpItem& item) const {
  const auto found = ahead_.find(item.shown.entry.mtime_s - item.known->mtime_s);
  if (in_utc_ == 0 && found != ahead_.end() && found->second.size() >= kEnough)
    item.shown.entry.mtime_s = item.known->mtime_s;
}

}  // namespace mirror::scanner::ftp
