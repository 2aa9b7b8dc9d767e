// Looks up what the source has of the items of folders. Internal to scanner/web.
#pragma once

#include <cstddef>
#include <vector>

#include "scanner/list/known_files.h"
#include "scanner/web/folder.h"

namespace mirror::scanner::web {

// Fills in `known` and `known_folder` of all items, asking for a bounded number of paths at a time.
void look_up_items(KnownFiles& known, const std::vector<Folder*>& folders);
// Servers do not show all that they serve, such as `.treeinfo`: adds the files and folders that the
// source has, to be asked for. Returns their number.
std::size_t add_hidden(KnownFiles& known, const std::vector<Folder*>& folders);

}  // namespace mirror::scanner::web
