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
    if (!found) found = Behind{0, 0, old_files, files};
    found->since_rev = steps[begin].rev;
    found->since_s = steps[begin].at_s;
    files -= steps[begin].files;
    old_files -= steps[begin].old_files;
  }
  return found;
}

bool shows_the_same(Connection& connection, MirrorId mirror) {
  return connection
      .run(
          "SELECT coalesce(bool_and(l.path IS NOT NULL), false) FROM behind b, "
          "unnest(b.shown, b.shown_sizes, b.shown_times) s (id, size, mtime) "
          "JOIN file f ON f.id = s.id LEFT JOIN merge_listing l ON l.path = f.path AND l.size = "
          "s.size AND l.mtime = s.mtime WHERE b.mirror_id = $1",
          Params().int2(mirror))
      .boolean(0, 0);
}

void store_behind(Connection& connection, MirrorId mirror, const std::optional<Behind>& behind,
                  const ShownFiles& shown, bool not_moved) {
  if (!behind) {
    connection.run("DELETE FROM behind WHERE mirror_id = $1", Params().int2(mirror));
    return;
  }
  connection.run(
      "INSERT INTO behind (mirror_id, since, old_files, of_files, shown, shown_sizes, shown_times) "
      "SELECT id, to_timestamp($2), $3, $4, $5, $6, $7 FROM mirror WHERE id = $1 "
      "ON CONFLICT (mirror_id) DO UPDATE SET since = CASE WHEN $8 "
      "THEN least(behind.since, excluded.since) ELSE excluded.since END, old_files = "
      "excluded.old_files, of_files = excluded.of_files, shown = excluded.shown, shown_sizes = "
      "excluded.shown_sizes, shown_times = excluded.shown_times",
      Params()
          .int2(mirror)
          .float8(static_cast<double>(behind->since_s))
          .int8(behind->old_files)
          .int8(behind->of_files)
          .int8_array(shown.ids)
          .int8_array(shown.sizes_bytes)
          .int8_array(shown.times_s)
          .boolean(not_moved));
}

}  // namespace mirror::db
