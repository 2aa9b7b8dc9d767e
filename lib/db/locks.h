// The locks of the project and the order in which they are taken. Whoever keeps to it cannot
// deadlock:
//   1. scan (scan_lock.h; one mirror, or the source): taken without waiting, before all others
//   2. schema (transaction): creating and migrating; takes nothing but tables
//   3. merge (transaction): whoever writes file, cohort, hash or revision
//   4. rows of file, cohort, hash, scan, source: only under the merge lock, except that a scan
//      updates its own scan row by itself, and a source scan the grace time, each in a statement of
//      its own
//   5. rows of mirror, then mirror_prefix, mirror_rev, endpoint: a merge never writes them, so
//   changing
//      a mirror never waits for one
//
// Anybody who may connect can take any advisory lock, the web server's other programs too. So what
// scans wait for needs rights: rows of scan_lock, and the table merge_lock. Advisory locks serve
// where a foreign one does no harm: below, and for the files that mb-hash reads (hashes.cc).
#pragma once

#include <cstdint>

namespace mirror::db {

// Advisory locks of two integers. Creating and migrating is the owner's affair, who is told in
// words which session has the lock (session.h).
inline constexpr std::int32_t kLockSpace = 0x6d69726f;  // "miro"
inline constexpr std::int32_t kSchemaLock = -2;
inline constexpr std::int32_t kTokenSpace = 0x6d697274;  // "mirt": signs of life (scan_lock.h)

// Held to the end of the transaction. Only who may write files may take it.
inline constexpr const char* kTakeMergeLock = "LOCK TABLE merge_lock IN EXCLUSIVE MODE";

}  // namespace mirror::db
