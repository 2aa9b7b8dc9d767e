// Catalogs on their way to other hosts, as one file: what LMDB maps, then a mark and the SHA-256 of
// all before it. A file that was cut off, damaged on its way or never a catalog is told by that
// end, before LMDB follows a single pointer in it.
#pragma once

#include <cstdint>
#include <string>

#include "catalog/codec.h"
#include "catalog/directory.h"
#include "catalog/environment.h"

namespace mirror::catalog {

// Whether clients of the region may be sent there although other regions' mirrors are left out: it
// lies there, serves everyone, or is named for a country of it.
bool useful_in(const Mirror& mirror, Region region);

// Writes `file` (replacing one of that name) with the state of one moment, which says of itself
// that it was the database's at `as_of_s`; with a region, only the mirrors that are useful there.
// Whole and safe on disk, or not at all; works in a temporary folder beside it and needs room for
// two; a folder that an ended process left of such work is removed. Throws Error.
Meta export_to(const Environment& environment, const std::string& file, std::int64_t as_of_s,
               Region region);

// Writes what `fd` has to `file`, a new one, less its end. Throws Error, which calls it `name`,
// unless it is all there.
void unpack(int fd, const std::string& name, const std::string& file);

}  // namespace mirror::catalog
