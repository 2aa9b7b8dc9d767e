// Opening files of a tree without leaving it: no link in the path is followed, so somebody who
// moves folders cannot lead a reader out of it.
#pragma once

#include <string>

#include "os/descriptor.h"

namespace mirror {

// Opens `path`, relative to the folder `root` and without `..`, with open(2)'s `flags`; O_CLOEXEC
// and O_NOFOLLOW are added. Without a descriptor errno says why: ELOOP or ENOTDIR if the path has a
// link. If the kernel (before 5.6) or a sandbox does not know openat2, it opens one folder after
// the other, with the same result. Any thread.
Descriptor open_beneath(int root, const std::string& path, int flags);

}  // namespace mirror
