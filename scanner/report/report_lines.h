// The lines of a mirror's own report, as programs on the mirror's host print them:
//
//   rsync -r --list-only        -rw-r--r--   1,234 2026/11/24 00:10:03 pool/a
//   find -printf FORMAT         f 644 1234 1795479003.0 pool/a        (%y %m %s %T@ %P\n)
//                               1234 1795479003.0 pool/a              (%s %T@ %P\n; %p as well)
//   ls -lR                      ./pool:
//                               -rw-r--r-- 1 u g 1234 Nov 24 00:10 a  (any --time-style)
//   sha256sum                   0123...cdef  pool/a                   (or md5sum and so on; --tag
//   as well)
//
// The first line that is not blank tells which. Pure: no I/O, no clock. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/sums_line.h"
#include "db/merge/scan.h"
#include "scanner/list/entry.h"

namespace mirror::scanner::report {

enum class Shape : std::uint8_t { rsync, find, ls, sums };
std::string_view shape_name(Shape shape);  // "rsync --list-only"

struct Line {
  Entry entry;
  std::optional<SumsLine> digest;  // where the report has that instead of sizes and times
};

class Lines {
 public:
  // `now_s`: Unix time of the report, for dates without a year.
  explicit Lines(std::int64_t now_s) : now_s_(now_s) {}

  // What the line (without its newline) says. `line` is set to its entry, reusing its strings, or
  // not: false. A fault: it is none of the report's shape, and so the report cannot be believed.
  struct Taken {
    bool has_entry = false;
    bool fault = false;
  };
  Taken take(std::string_view text, Line& line);

  std::optional<Shape> shape() const { return shape_; }
  // How exact the times were so far.
  db::Precision precision() const { return precision_; }

 private:
  bool parse(Shape shape, std::string_view text, Line& line);
  bool parse_find(std::string_view text, Line& line) const;
  bool parse_ls(std::string_view text, Line& line);
  bool take_header(std::string_view text);

  const std::int64_t now_s_;
  std::optional<Shape> shape_;
  db::Precision precision_ = db::Precision::second;
  std::optional<std::string> base_;  // ls: what the first header names
  std::string folder_;               // ls: relative to it
};

}  // namespace mirror::scanner::report
