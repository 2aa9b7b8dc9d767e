// The columns of `file f` with its `hash h` that make a FileHashes, for hashes.cc and feed.cc.
#pragma once

#include "db/hash/known_hashes.h"

namespace mirror::db {

extern const char* const kSmallHashes;  // for HashParts::digests
inline constexpr int kHashFileId = 15, kHashVersionRev = 16, kSmallHashesColumns = 19;
extern const char* const kLargeHashes;  // ", " and the others, for the rest but zsync's sums

// From the row's columns that begin at `first`; zsync's sums stay empty.
FileHashes read_hashes(const Result& rows, int row, int first, HashParts parts);
SignatureKind read_signature_kind(const Result& rows, int row, int column);
// Fills zsync.sums; empties all of `zsync` where they are gone.
void load_zsync_sums(Connection&, std::int64_t file_id, std::int64_t version_rev, ZsyncSums& zsync);

}  // namespace mirror::db
