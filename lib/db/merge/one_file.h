// Single files that a mirror was seen to have, or not to have, without a listing: what a probe
// finds, or a question about new files. Each call is one merge of a few files: the merge lock, one
// revision, and the cohorts as a scan's merge keeps them. One thread, one Connection, not inside a
// transaction; the ScanLock is not needed. A later scan of the mirror decides again by its own
// rules.
#pragma once

#include <cstdint>
#include <vector>

#include "core/model.h"
#include "pg/connection.h"

namespace mirror::db {

// A file on a mirror, in the version in which it was looked for: whoever looked read `version_rev`
// (file.version_rev) before.
struct FileOnMirror {
  MirrorId mirror = 0;
  std::int64_t file_id = 0;
  std::int64_t version_rev = 0;
};

// The mirrors have these files no more. Left alone are files that have another version by now, and
// those that the mirror was not known to have. Returns how many files were withdrawn, each counted
// once, from however many mirrors. Throws Error; then nothing was changed.
std::int64_t withdraw_files(Connection&, const std::vector<FileOnMirror>&);

// The mirrors have these files in their present version. Left alone are files that have another
// version by now, are gone, staged or pending, and mirrors that were deleted. Returns and throws as
// withdraw_files().
std::int64_t confirm_files(Connection&, const std::vector<FileOnMirror>&);

}  // namespace mirror::db
