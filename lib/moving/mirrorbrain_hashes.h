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

// All of them as the database was when this began, in no order, in a transaction that ends with
// this object. Only one for a connection, which must outlive it.
class MirrorbrainHashes {
 public:
  // Throws FormatError for a database without hashes, and db::Error.
  explicit MirrorbrainHashes(db::Connection& connection);
  // So many more; empty: there are no more. Throws db::Error.
  std::vector<MovedHash> next(std::int32_t limit);

 private:
  db::Connection& connection_;
  db::Transaction transaction_;
};

}  // namespace mirror::moving
