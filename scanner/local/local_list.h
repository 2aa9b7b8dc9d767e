// Lists a local source tree without following links. It keeps in memory only the names that it has
// not visited yet.
#pragma once

#include <string>

#include "scanner/list/listing.h"

namespace mirror::scanner {

// Lists everything below `root` (a directory; a link to one is followed) into `listing`. Absolute
// link targets inside the root are passed on as relative ones. Directories that may not be read are
// counted and absent. With `start` ("" or a path without a trailing slash) only this directory is
// listed, and before it each one on the way there, since their modes decide what is staged. Throws
// ListingError when the root or `start` is no directory or gone, when the file system fails, and
// when the program is to stop.
void list_local(const std::string& root, const std::string& start, Listing& listing,
                const Control& control);

// `target` as a link at `path` (relative to the root) would say it relatively, when it is absolute
// and inside one of the root's names; else unchanged. Text only.
std::string relative_target(std::string_view path, std::string_view target, std::string_view root);

}  // namespace mirror::scanner
