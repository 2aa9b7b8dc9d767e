// What MirrorBrain has found of the content of files, in both layouts of its database: filearr with
// hash, and files. Nothing is changed there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pg/connection.h"

namespace mirror::moving {

// Digests are raw; "": not known, or not of a digest's length.
struct MovedHash {
  std::string path;
  std::int64_t size_bytes = 0, mtime_s = 0;  // of the file that was read
  std::string md5, sha1, sha256;
};

// In bytewise order of their paths, the first `limit` above `after` ("" for the start). Throws
// FormatError for a database without hashes, and db::Error.
std::vector<MovedHash> read_mirrorbrain_hashes(db::Connection&, const std::string& after,
                                               std::int32_t limit);

}  // namespace mirror::moving
