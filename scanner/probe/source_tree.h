// The source's tree, where it is a folder of this machine.
#pragma once

#include <cstdint>
#include <string>

namespace mirror::probe {

// Whether the source has no such file any more: `source` as in mb.toml. False also where that
// cannot be known: the source is no folder that is here, or it is empty. Asks the disk.
bool is_deleted(const std::string& source, const std::string& path);

// Whether the source has the file for certain; false where that cannot be known.
bool source_has(const std::string& source, const std::string& path);

// The same for the file in this size.
bool source_has(const std::string& source, const std::string& path, std::int64_t size_bytes);

}  // namespace mirror::probe
