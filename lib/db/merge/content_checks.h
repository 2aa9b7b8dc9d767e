// Which files of which mirrors only a look at their content can tell: the mirror was listed, and
// has or may have a file of the source's size that is not yet known to be the present version,
// since an earlier version had the same size, and the same time or a time that the mirror does not
// keep (earlier_versions.h). Whoever has checked the content there says so by confirm_files()
// (one_file.h); listings keep that. One thread, one Connection.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/model.h"
#include "pg/connection.h"

namespace mirror::db {

struct ContentCheck {
  MirrorId mirror = 0;
  std::int64_t file_id = 0;
  std::int64_t version_rev = 0;
  std::int64_t size_bytes = 0;
  std::string path;
  std::string sha256;  // of the whole file, 32 bytes
};

// Of enabled mirrors that were scanned, and of files whose SHA-256 is known: at most `limit`, the
// newest versions first. Throws Error.
std::vector<ContentCheck> list_content_checks(Connection&, std::int32_t limit);

}  // namespace mirror::db
