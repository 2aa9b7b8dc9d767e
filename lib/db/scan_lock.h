// Only one scan of a mirror, or of the source, and only one prober (probe/health_rows.h), runs at a
// time. The lock is a row of scan_lock, which only the scanner's and the admin's role may write, so
// a role that may only read cannot hold it. The row names its holder. It holds as long as the
// holder's session lives: that session has an advisory lock of a number of the row's choice, and
// pg_locks tells whether that very session still has it. A scan that dies leaves its row behind,
// and the next one takes it over.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "core/model.h"
#include "pg/connection.h"

namespace mirror::db {

struct LockHolder {
  std::string host;          // where the program runs
  std::int32_t process = 0;  // its process id there
  std::string program;
  std::int64_t since_s = 0;  // Unix time
  std::string text() const;  // mb-scan on host a.example, process 1234, since 2026-01-31 05:12 UTC
};

// Held as long as the object and its connection live.
class ScanLock {
 public:
  // `id` 0: the source. nullopt: somebody has it (scan_lock_holder tells who). Not inside a
  // transaction.
  static std::optional<ScanLock> try_take(Connection&, MirrorId id);
  ScanLock(ScanLock&&) noexcept;
  ~ScanLock();

 private:
  ScanLock(Connection& connection, std::int32_t token) : connection_(&connection), token_(token) {}
  Connection* connection_;
  std::int32_t token_;
};

// Who has it now; nullopt if it is free.
std::optional<LockHolder> scan_lock_holder(Connection&, MirrorId id);

// The same as an SQL condition on rows of `scan_lock l`.
std::string scan_lock_is_held();

// Ends the holder's session at the server, which undoes what it had not merged yet, and waits until
// it is gone. Returns who it was; nullopt when nobody had it. Throws Error when this role may not,
// or when the session does not end within `patience`.
std::optional<LockHolder> break_scan_lock(Connection&, MirrorId id,
                                          std::chrono::milliseconds patience);

}  // namespace mirror::db
