// The files that are new at the source, got another version lately, or are gone, and which mirrors
// have them by now: what mb-probe asks mirrors for before their next scan. One thread, one
// Connection; functions throw Error.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/model.h"
#include "pg/connection.h"

namespace mirror::db {

struct FreshFile {
  std::int64_t id = 0;
  std::int64_t version_rev = 0;
  std::string path;
  std::int64_t size_bytes = 0;
  bool gone = false;
  std::int64_t release = 0;                    // alike for what changed in one merge; newer: higher
  std::int64_t age_s = 0;                      // of the version, or since it is gone, when read
  std::vector<std::int64_t> mtimes_s;          // under which the source has had this version
  std::vector<std::int64_t> earlier_mtimes_s;  // of earlier versions of the same size
};

struct FreshFiles {
  std::vector<FreshFile> files;  // the newest first
  std::int64_t rev = 0;          // up to which this is all
};

// The revision of a day ago, to begin with.
std::int64_t first_fresh_rev(Connection&);
// Files that may be shown, whose version appeared after that revision, and files that were changed
// after it and are gone for less than a day: at most `limit` of each.
FreshFiles read_fresh_files(Connection&, std::int64_t above_rev, std::int32_t limit);
// Of these files, those that have the same version still, and are still gone or not, with the
// mirrors that have it.
std::map<std::int64_t, std::vector<MirrorId>> read_holders(
    Connection&, const std::vector<std::shared_ptr<const FreshFile>>& files);

}  // namespace mirror::db
