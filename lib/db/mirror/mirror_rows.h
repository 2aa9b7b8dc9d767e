// The columns that make a Mirror, for mirrors.cc and lookup.cc.
#pragma once

#include "db/mirror/mirrors.h"

namespace mirror::db {

extern const char* const kMirrorSelect;  // of `mirror m`; only columns that mirror_httpd may read
inline constexpr int kMirrorSelectColumns = 25;
// Throws Error for a row that does not have those columns.
Mirror read_mirror(const Result& rows, int row);

}  // namespace mirror::db
