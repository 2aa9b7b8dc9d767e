// The columns of `hash h` that make a FileHashes, for hashes.cc and feed.cc.
#pragma once

#include "db/hashes.h"

namespace mirror::db {

extern const char* const kSmallHashes;  // columns, for HashParts::small
extern const char* const kLargeHashes;  // ", " and the others, for HashParts::all
// From the row's columns that begin at `first`.
FileHashes read_hashes(const Result& rows, int row, int first, HashParts parts);
SignatureKind read_signature_kind(const Result& rows, int row, int column);

}  // namespace mirror::db
