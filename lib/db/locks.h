// The locks of the project and the order in which they are taken. Code that keeps this order cannot
// deadlock:
//   1. scan (scan_lock.h; one mirror, the source, or the prober's): taken without waiting, before
//      all others
//   2. schema (transaction): to create and migrate tables; takes only locks of tables besides
//   3. merge (transaction): to write file, cohort, hash or revision
//   4. rows of file, cohort, hash, scan, source: only under the merge lock, except that a scan
//      updates its own scan row, and a source scan the grace time, each in its own statement
//   5. rows of mirror, then mirror_prefix, mirror_rev, endpoint, health, doubt: a merge never
//      writes them, so changing a mirror never waits for a merge
//
// Every role that may connect can take any advisory lock, also other programs of the web server. So
// scans wait only for locks that need rights: rows of scan_lock, and the table merge_lock. Advisory
// locks are used only where a foreign one does no harm: below, and for the files that mb-hash reads
// (known_hashes.cc).
#pragma once

#include <cstdint>

namespace mirror::db {

// Advisory locks of two integers. The owner creates and migrates, and gets a message that says
// which session has the lock (session.h).
inline constexpr std::int32_t kLockSpace = 0x6d69726f;  // "miro"
inline constexpr std::int32_t kSchemaLock = -2;
inline constexpr std::int32_t kTokenSpace = 0x6d697274;  // "mirt": signs of life (scan_lock.h)

// Held to the end of the transaction. Only roles that may write files may take it.
inline constexpr const char* kTakeMergeLock = "LOCK TABLE merge_lock IN EXCLUSIVE MODE";

}  // namespace mirror::db
