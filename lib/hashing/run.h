// Reads the files of a source, a folder or one in a bucket, and stores their hashes. The calling
// thread talks to the database, a second thread with its own connection stores results, and a pool
// of threads reads files.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/hashes.h"
#include "os/stop_signal.h"
#include "pg/connection.h"

namespace mirror::hash {

// What to do. Subtrees are valid paths without a trailing slash; "" is the whole tree.
struct Plan {
  std::string source;   // a folder, or an s3:// URL
  std::string ca_file;  // of those who sign certificates of object stores; "": the system's
  std::vector<std::string> subtrees = {""};
  HashKinds kinds;
  int threads = 0;                   // 0: one for each core
  std::int64_t max_bytes_per_s = 0;  // 0: no limit
  bool verify = false;               // compare, and store nothing
  bool force = false;                // what is known too
  bool touched_only = false;  // only files that are not redirected until they are hashed again
  std::vector<std::int64_t> file_ids;  // and these: read again if their inode has changed
  double max_seconds = 0;              // then it ends, with what was done stored; 0: no limit
  std::function<db::Connection()> connect;
};

struct Counts {
  std::int64_t hashed =
      0;                   // files whose hashes were stored (--verify: that agree; --import: taken)
  std::int64_t bytes = 0;  // read
  std::int64_t unchanged = 0;     // nothing to do
  std::int64_t linked = 0;        // of the hashed: hard links of a file that was read
  std::int64_t signatures = 0;    // signatures stored without reading the file
  std::int64_t new_versions = 0;  // of the hashed: another content than was known
  std::int64_t waiting = 0;       // not what the last mb-scan --source found: after the next one
  std::int64_t elsewhere = 0;     // left to another mb-hash
  std::int64_t failed = 0;
  std::int64_t differ = 0;  // --verify
  bool verified = false;    // --verify: nothing was stored
  bool found_none = false;  // a subtree has no file at all: most likely misspelt
  bool interrupted = false;
  double seconds = 0;
};

// Called with what happens, in the calling thread.
class Observer {
 public:
  virtual ~Observer() = default;
  // A file's outcome: "hashed", "agrees", "differs", "failed", "waiting"; `detail` may be empty.
  virtual void file(std::string_view path, std::string_view outcome, std::string_view detail,
                    bool problem) = 0;
  virtual void warning(std::string_view text) = 0;
  virtual bool wants_progress() const = 0;
  virtual void progress(const Counts& counts, std::int64_t bytes_total) = 0;
};

// Returns what was done. Throws db::Error, and std::system_error for a source that cannot be
// opened, s3::AccountError for credentials that cannot be read.
Counts hash_or_verify(const Plan&, Observer&, const StopSignal& stop);

}  // namespace mirror::hash
