#include "scanner/check/check_target.h"

#include <fmt/format.h>

#include <random>

#include "core/path.h"

namespace mirror::probe {
namespace {

// A mirror whose clock or time zone is off may show the times so, or right.
std::vector<std::int64_t> accepted_times(const db::ProbeFile& file,
                                         const db::MirrorRecord& record) {
  std::vector<std::int64_t> times_s = file.mtimes_s;
  if (record.time_offset_s == 0) return times_s;
  for (const std::int64_t time_s : file.mtimes_s) times_s.push_back(time_s + record.time_offset_s);
  return times_s;
}

// The end of a name that no server has.
std::string nonsense() {
  static std::minstd_rand random{std::random_device{}()};
  return fmt::format(".{:08x}{:08x}.no-such-file", random(), random());
}

// How exactly the mirror keeps times: as its listings show them, since it may have got the files in
// the same way.
std::int64_t time_tolerance_s(const db::MirrorRecord& record) {
  constexpr std::int64_t kDay_s = 86400;
  const bool exact = !record.endpoints.empty() && record.endpoints.front().method == "rsync";
  return exact ? 1 : kDay_s;
}

}  // namespace

CheckTarget check_target(const db::MirrorRecord& record, Way way, const Job& job,
                         const PathRules& rules) {
  const std::string& base = way.https ? record.mirror.https_url : record.mirror.http_url;
  const bool impossible = job.kind == Job::Kind::impossible;
  return {.way = way,
          .url = file_url(base, job.file.path) + (impossible ? nonsense() : ""),
          .size_bytes = job.file.size_bytes,
          .mtimes_s = accepted_times(job.file, record),
          .keeps_times = record.keeps_times && !rules.is_immutable(job.file.path),
          .time_tolerance_s = time_tolerance_s(record),
          .piece = job.piece,
          .impossible = impossible};
}

}  // namespace mirror::probe
