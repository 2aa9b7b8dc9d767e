// The advisory locks of the project, all in one key space of two integers, and the order in which
// locks are taken. Whoever keeps to it cannot deadlock:
//   1. scan (session lock of one mirror, or of the source): taken without waiting, before
//   everything else
//   2. schema (transaction): creating and migrating; takes nothing but tables
//   3. merge (transaction): whoever writes file, cohort, hash or revision
//   4. rows of file, cohort, hash, scan, source: only under the merge lock, except that a scan
//   updates its own scan row by
//      itself, and a source scan the grace time, each in a statement of its own
//   5. rows of mirror, then mirror_prefix, then mirror_rev: a merge never writes them, so changing
//   a mirror never waits for one
#pragma once

#include <cstdint>

namespace mirror::db {

inline constexpr std::int32_t kLockSpace = 0x6d69726f;  // "miro"
// Objects of the space; a scan's is the mirror's id, 0 for the source.
inline constexpr std::int32_t kMergeLock = -1;
inline constexpr std::int32_t kSchemaLock = -2;

}  // namespace mirror::db
