// How all our programs open a connection: the one place that sets what a session must have. lib/pg
// makes the connection, this file sets it up.
//
// - search_path is our schema alone (pg_catalog stands before it, pg_temp behind it), so that
//   nobody's functions and tables are used for ours.
// - jit is off: our statements are short, and compiling one takes longer than running it.
// - The server notices a client that has gone silent within two minutes, as the client notices the
//   server (pg/conninfo.h). Locks of a host that lost power do not stand for hours.
// - Waiting for a lock ends after `lock_patience`, with words that name who holds it.
//
// The settings are the session's, as prepared statements, temporary tables and locks are: behind
// PgBouncer that needs pool_mode = session. A pooler that hands out sessions for a transaction each
// is an Error that says so.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>

#include "pg/connection.h"

namespace mirror::db {

inline constexpr const char* kSchemaName = "mirror";  // where `mb db init` creates everything

struct SessionOptions {
  std::string program;                        // shown in pg_stat_activity
  std::chrono::milliseconds connect_timeout;  // for all hosts together
  std::size_t first_host = 0;
  // Zero: no limit for a statement, or for waiting for a lock.
  std::chrono::milliseconds patience{0}, lock_patience{0};
  const std::atomic<bool>* stop = nullptr;  // must outlive the connection
  std::chrono::milliseconds stop_grace{0};
  // Set once the server has taken the connection, so that a caller can tell a server that takes
  // none from one that dropped this one during the set-up.
  bool* established = nullptr;
  std::string operator_name = {};  // who runs the program: for the audit trail (db/mirror/audit.h)
};

// Throws ConnectionError, Timeout, Error. The set-up costs one round trip, within connect_timeout.
Connection open_session(const std::string& conninfo, const SessionOptions&);

// For tools that wait for merges, of scans and of the source, which may take minutes.
inline constexpr std::chrono::minutes kMergePatience(10);

// For command line tools: a statement has an hour, a lock `lock_patience`. The operator is the
// system's user on this machine.
SessionOptions tool_session(const char* program, std::chrono::milliseconds lock_patience,
                            const std::atomic<bool>* stop = nullptr);

// What mb-scan and mb-hash open: waits kMergePatience for locks. Every wait on it ends some seconds
// after `stop`, which must outlive the connection, became true. Throws as open_session().
Connection open_merge_session(const std::string& conninfo, const char* program,
                              const std::atomic<bool>& stop);

// Sets the search_path anew, after the schema was created or moved.
void enter_schema(Connection&);

}  // namespace mirror::db
