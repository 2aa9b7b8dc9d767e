#include "db/merge/behind.h"

#include <cstddef>

namespace mirror::db {
namespace {

constexpr std::int64_t kNewestFiles = 100, kFewestOld = 5, kOldShare = 10;  // a tenth

}  // namespace

// Goes from the newest step to older ones; a window begins at each and reaches back as far as
// needed.
std::optional<Behind> judge_versions(const std::vector<VersionStep>& steps) {
  std::optional<Behind> found;
  std::int64_t files = 0, old_files = 0;
  std::size_t end = 0;  // of the window
  for (std::size_t begin = 0; begin < steps.size(); ++begin) {
    for (; end < steps.size() && files < kNewestFiles; ++end) {
      files += steps[end].files;
      old_files += steps[end].old_files;
    }
    if (old_files < kFewestOld || old_files * kOldShare < files) break;
    if (!found) found = Behind{0, old_files, files};
    found->since_s = steps[begin].at_s;
    files -= steps[begin].files;
    old_files -= steps[begin].old_files;
  }
  return found;
}

void store_behind(Connection& connection, MirrorId mirror, const std::optional<Behind>& behind,
                  bool same_listing) {
  if (!behind) {
    connection.run("DELETE FROM behind WHERE mirror_id = $1", Params().int2(mirror));
    return;
  }
  connection.run(
      "INSERT INTO behind (mirror_id, since, old_files, of_files) SELECT id, to_timestamp($2), $3, "
      "$4 FROM mirror WHERE id = $1 ON CONFLICT (mirror_id) DO UPDATE SET since = CASE WHEN $5 "
      "THEN least(behind.since, excluded.since) ELSE excluded.since END, old_files = "
      "excluded.old_files, of_files = excluded.of_files",
      Params()
          .int2(mirror)
          .float8(static_cast<double>(behind->since_s))
          .int8(behind->old_files)
          .int8(behind->of_files)
          .boolean(same_listing));
}

}  // namespace mirror::db
