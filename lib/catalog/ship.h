// Catalogs as one file, for other hosts: LMDB's file, then a mark and the SHA-256 of everything
// before it. By this end, a file that was cut off or damaged, or is not a catalog, is found out
// before LMDB follows any pointer in it.
#pragma once

#include <cstdint>
#include <string>

#include "catalog/codec.h"
#include "catalog/directory.h"
#include "catalog/environment.h"

namespace mirror::catalog {

// Whether a catalog for the region keeps this mirror: it is in the region, it has the country `**`,
// or its other countries include one of the region.
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
