// What mb-scan says: a line per scan as it ends, JSON for machines, and on a terminal a line of
// progress that is rewritten. A Reporter may be used from any thread.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "scanner/scan/scan_result.h"
#include "tools/cli/progress_line.h"

namespace mirror::scanner {

struct Totals {
  int worked = 0;
  int failed = 0;
  int useless = 0;  // of those that worked: found nothing
  double seconds = 0;
};

// One scan under way, for the progress line.
struct Running {
  std::string name;
  std::int64_t entries = 0;
  double seconds = 0;
};

// The texts, without printing: pure.
std::string result_line(const ScanResult& result, std::size_t name_width);  // of a scan that worked
std::string detail_line(const ScanResult& result);                          // what -v adds
std::string error_line(const ScanResult& result);                           // of one that did not
// What was skipped, held or ended, one line each, for stderr.
std::vector<std::string> note_lines(const ScanResult& result, bool verbose);
std::string no_use_line(const ScanResult& result);  // of one that found nothing
std::string totals_line(const Totals& totals);
std::string json_line(const ScanResult& result);
std::string json_line(const Totals& totals);
std::string progress_text(const std::vector<Running>& running, std::size_t done, std::size_t all);

class Reporter {
 public:
  Reporter(bool json, bool verbose, std::size_t name_width);
  void result(const ScanResult& result);
  void totals(const Totals& totals);
  void warning(const std::string& text);  // to stderr, with the program's name
  void detail(const std::string& text);   // with -v only

  bool wants_progress() const { return progress_.wanted(); }
  void progress(const std::vector<Running>& running, std::size_t done, std::size_t all);

 private:
  std::mutex mutex_;
  const bool json_;
  const bool verbose_;
  const std::size_t name_width_;
  cli::ProgressLine progress_;
};

}  // namespace mirror::scanner
