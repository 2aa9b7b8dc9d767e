// Which files of a mirror only a look at their content can tell: the mirror was listed, and has or
// may have a file of the source's size that is not yet known to be the present version, since an
// earlier version had the same size, and the same time or a time that the mirror does not keep
// (earlier_versions.h). Whoever has checked the content there says so by confirm_files()
// (one_file.h); listings keep that. One thread, one Connection. Throws Error.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/model.h"
#include "pg/connection.h"

namespace mirror::db {

// A place in the order in which files are looked for: by version and id, the newest first.
struct VersionPlace {
  std::int64_t version_rev = 0;
  std::int64_t file_id = std::numeric_limits<std::int64_t>::max();  // before all of that version
  auto operator<=>(const VersionPlace&) const = default;
};

struct ContentCheck {
  std::int64_t file_id = 0;
  std::int64_t version_rev = 0;
  std::int64_t size_bytes = 0;
  std::string path;
  std::vector<std::int64_t> mtimes_s;  // under which the source has had this version
  std::string sha256;                  // of the whole file, 32 bytes
};

struct ContentChecks {
  std::vector<ContentCheck> checks;  // the newest versions first
  VersionPlace next;                 // to go on from there
  bool more = false;                 // there may be some beyond
};

// Of the files behind `from` whose version is newer than `above_rev`, those that are to be checked
// on this mirror, at most `limit`: their SHA-256 is known, and the mirror was scanned and gets
// files of their size. Reads a bounded number of rows, so there may be none and yet more.
ContentChecks list_content_checks(Connection&, MirrorId, VersionPlace from, std::int64_t above_rev,
                                  std::int32_t limit);

// The newest version that looks like an earlier one of its file; 0: there is none.
std::int64_t newest_look_alike(Connection&);

// Of such versions those whose hashes became known after that revision: the oldest and the newest.
struct HashedVersions {
  std::int64_t oldest_rev = 0, newest_rev = 0;
  std::int64_t upto_rev = 0;  // the revision up to which this is all
  bool any() const { return newest_rev > 0; }
};
// Where merges are not noted back to that revision (changes.h), none.
HashedVersions hashed_since(Connection&, std::int64_t above_rev);

}  // namespace mirror::db
