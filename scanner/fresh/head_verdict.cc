#include "scanner/fresh/head_verdict.h"

#include <algorithm>

namespace mirror::fresh {
namespace {

bool among(std::int64_t time_s, const std::vector<std::int64_t>& times_s) {
  return std::find(times_s.begin(), times_s.end(), time_s) != times_s.end();
}

}  // namespace

bool confirms(const db::FreshFile& file, bool immutable, const db::MeasuredTimes& times,
              const HeadFacts& facts) {
  if (facts.size_bytes != file.size_bytes) return false;
  if (immutable) return true;
  if (!facts.mtime_s) return false;
  const std::int64_t mtime_s = *facts.mtime_s - times.offset_s;
  if (db::keeping_of(times.share) != db::TimeKeeping::not_kept)
    return among(mtime_s, file.mtimes_s) && !among(mtime_s, file.earlier_mtimes_s);
  return file.earlier_mtimes_s.empty() &&
         mtime_s >= *std::min_element(file.mtimes_s.begin(), file.mtimes_s.end());
}

}  // namespace mirror::fresh
