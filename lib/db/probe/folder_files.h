// The files of a folder, or of a list, that a mirror has, as far as the database knows: a prober
// asks for them once one of them is missing. One thread, one Connection. Throws Error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "db/probe/probe_files.h"

namespace mirror::db {

struct FolderFiles {
  std::vector<ProbeFile> files;     // in the order of their paths
  std::optional<std::string> next;  // the path behind which to go on; nullopt: these are the last
};

// Those below `folder`, at any depth ("": below the root), behind the path `after`: at most
// `limit`. Reads a bounded number of rows, so there may be none and yet more.
FolderFiles list_folder_files(Connection&, MirrorId, const std::string& folder,
                              const std::string& after, std::int32_t limit);
// Of these files, by their ids, those that the mirror has; in any order.
std::vector<ProbeFile> files_of_mirror(Connection&, MirrorId, const std::vector<std::int64_t>& ids);

}  // namespace mirror::db
