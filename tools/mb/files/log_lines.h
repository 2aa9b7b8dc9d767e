// Lines of a file that may be compressed by gzip, or of standard input ("-"). One thread.
#pragma once

#include <sys/types.h>

#include <string>

#include "os/descriptor.h"

namespace mirror::mb {

class LogLines {
 public:
  // Throws Failure if the file cannot be read.
  explicit LogLines(std::string file);
  // Ends gzip if it still runs.
  ~LogLines();
  LogLines(const LogLines&) = delete;
  LogLines& operator=(const LogLines&) = delete;

  // False at the end. A line without its newline; what is longer than any line of a log
  // (moving/access_log.h) is cut there. Throws Failure when reading fails.
  bool next(std::string& line);

 private:
  void unpack();
  bool refill();

  const std::string file_;
  Descriptor input_;
  std::string block_;
  std::size_t at_ = 0;
  pid_t gzip_ = -1;
};

}  // namespace mirror::mb
