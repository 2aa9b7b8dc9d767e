// One line of `rsync --list-only` (LC_ALL=C, TZ=UTC) as an entry. Pure: no I/O, no clock.
//
//   drwxr-xr-x        4096 2026/11/24 00:10:03 pool
//   -rw-r--r--   1,234,567 2026/11/24 00:10:03 caf\#303\#251
//   lrwxrwxrwx           4 2026/11/24 00:10:03 stable -> suite
//
// rsync writes a byte that LC_ALL=C cannot print as `\#ooo` (three octal digits), and a backslash
// before `#` and three digits too.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "scanner/list/entry.h"

namespace mirror::scanner {

// Reads `line` (without its newline) into `entry`, reusing its strings; false for anything that is
// no such line, impossible dates and sizes out of range included. `entry` is then unspecified.
// rsync prints 19 bytes of a time, whatever the year (`   1/01/01 00:00:00`, `10000/01/01
// 00:00:0`): a year before 1000 or after 9999 sets `odd_time`.
bool parse_rsync_line(std::string_view line, Entry& entry);

// Replaces `\#ooo` by its byte; what is no such escape stays as it is.
void unescape_rsync(std::string_view text, std::string& out);

// Cuts a stream into lines with bounded memory: of a line longer than `max_bytes` only its first
// max_bytes are kept.
class LineCutter {
 public:
  // The line without its newline, and whether its end was cut off.
  using OnLine = std::function<void(std::string_view line, bool cut)>;
  LineCutter(std::size_t max_bytes, OnLine on_line)
      : max_bytes_(max_bytes), on_line_(std::move(on_line)) {}
  void feed(std::string_view chunk);
  // The end of the stream: a last line without a newline counts.
  void finish();
  bool in_line() const { return !partial_.empty(); }

 private:
  void keep(std::string_view part);
  void emit(std::string_view line);
  std::size_t max_bytes_;
  OnLine on_line_;
  std::string partial_;
  bool cut_ = false;
};

}  // namespace mirror::scanner
