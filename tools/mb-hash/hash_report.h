// What mb-hash says: problems as they come, with -v every file, a summary at the end; JSON for
// machines; on a terminal a line of progress that is rewritten. For one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "hashing/run.h"
#include "tools/cli/progress_line.h"

namespace mirror::hash {

// Pure.
std::string summary_line(const Counts& counts);
std::string summary_json(const Counts& counts);
std::string progress_text(const Counts& counts, std::int64_t bytes_total);
int exit_status(const Counts& counts);

class HashReport : public Observer {
 public:
  HashReport(bool json, bool verbose);
  void file(std::string_view path, std::string_view outcome, std::string_view detail,
            bool problem) override;
  void warning(std::string_view text) override;
  void progress(const Counts& counts, std::int64_t bytes_total) override;
  void summary(const Counts& counts);
  bool wants_progress() const override { return progress_.wanted(); }

 private:
  const bool json_, verbose_;
  cli::ProgressLine progress_;
};

}  // namespace mirror::hash
