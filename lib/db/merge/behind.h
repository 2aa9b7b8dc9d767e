// How far a mirror is behind the source, as a full listing of it shows: which files it has in a
// version that the source had earlier. Files that it does not list say nothing, for a mirror may
// have a part of the tree. Nor do files that no listing can tell from an earlier version, those
// that never changed, immutable ones, and those that the source lost.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/model.h"
#include "pg/connection.h"

namespace mirror::db {

// Files that got their present version in one merge, as the mirror lists them.
struct VersionStep {
  std::int64_t rev = 0;        // of the merge
  std::int64_t at_s = 0;       // Unix time of the merge
  std::int64_t files = 0;      // listed in their present or an earlier version
  std::int64_t old_files = 0;  // of these, in an earlier one
};

struct Behind {
  std::int64_t since_rev = 0, since_s = 0;   // since then the source has had newer files
  std::int64_t old_files = 0, of_files = 0;  // of the files that changed last
};

// At a point of time a mirror is behind if of the hundred files that had changed last (or all, if
// there are fewer) at least five and at least a tenth are old on it. Returns since when this has
// held without a break; nullopt if it does not hold now. So a few files that a mirror never gets
// make no difference, and a mirror that stopped does not look better when the source changes more.
// `steps`: the newest first. Pure.
std::optional<Behind> judge_versions(const std::vector<VersionStep>& steps);

// What a mirror that is behind lists of its old files: those that were replaced first since then.
// So one that follows the source, however late, has moved some of them at its next sync.
struct ShownFiles {
  std::vector<std::int64_t> ids, sizes_bytes, times_s;
};
inline constexpr int kShownFiles = 200;

// Whether a mirror that was behind at its last full scan lists all of these files just as then, as
// `merge_listing` tells: it has not followed the source since. Files that the table has forgotten
// tell nothing. False if it was not behind.
bool shows_the_same(Connection&, MirrorId mirror);

// Replaces what the last full scan found. `not_moved`: then it is behind at least since before. The
// mirror's row must not be locked by others for long. Throws Error.
void store_behind(Connection&, MirrorId mirror, const std::optional<Behind>& behind,
                  const ShownFiles& shown, bool not_moved);

}  // namespace mirror::db
