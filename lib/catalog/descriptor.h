// File descriptors of a catalog's directory.
#pragma once

#include <string>

#include "core/descriptor.h"

namespace mirror::catalog {

// Makes names in it safe on disk; false: errno tells why not.
bool sync_directory(const std::string& path);

}  // namespace mirror::catalog
