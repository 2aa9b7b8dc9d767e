// What mb-hash says: problems as they come, with -v every file, a summary at the end; JSON for
// machines; on a terminal a line of progress that is rewritten. For one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tools/cli/progress_line.h"

namespace mirror::hash {

struct Counts {
  std::int64_t hashed =
      0;                   // files whose hashes were stored (--verify: that agree; --import: taken)
  std::int64_t bytes = 0;  // read
  std::int64_t unchanged = 0;     // nothing to do
  std::int64_t linked = 0;        // of the hashed: hard links of a file that was read
  std::int64_t signatures = 0;    // signatures stored without reading the file
  std::int64_t new_versions = 0;  // of the hashed: another content than was known
  std::int64_t waiting = 0;       // not what the last mb-scan --source found: after the next one
  std::int64_t elsewhere = 0;     // in the hands of another mb-hash
  std::int64_t failed = 0;
  std::int64_t differ = 0;  // --verify
  bool interrupted = false;
  double seconds = 0;
};

// Pure.
std::string summary_line(const Counts& counts);
std::string summary_json(const Counts& counts);
std::string progress_text(const Counts& counts, std::int64_t bytes_total);
int exit_status(const Counts& counts);

class HashReport {
 public:
  HashReport(bool json, bool verbose);
  // A file's outcome: "hashed", "unchanged version", "differs", "failed", …; `detail` may be empty.
  void file(std::string_view path, std::string_view outcome, std::string_view detail, bool problem);
  void warning(std::string_view text);
  void progress(const Counts& counts, std::int64_t bytes_total);
  void summary(const Counts& counts);
  bool wants_progress() const { return progress_.wanted(); }

 private:
  const bool json_, verbose_;
  cli::ProgressLine progress_;
};

}  // namespace mirror::hash
