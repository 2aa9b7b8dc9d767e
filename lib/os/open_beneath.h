// Opening files of a tree without leaving it: no link is followed on the way, so nobody who moves
// folders about leads a reader out of it.
#pragma once

#include <string>

#include "os/descriptor.h"

namespace mirror {

// Opens `path`, relative to the folder `root` and without `..`, with open(2)'s `flags`; O_CLOEXEC
// and O_NOFOLLOW are added. Without a descriptor errno tells why: ELOOP or ENOTDIR where a link is
// on the way. Where the kernel (before 5.6) or a sandbox does not know openat2, it opens a step at
// a time, and promises the same. Any thread.
Descriptor open_beneath(int root, const std::string& path, int flags);

}  // namespace mirror
