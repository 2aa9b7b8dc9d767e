// Rows that a reader could not make sense of: left out, counted, and the first few of them named
// for the log. The schema's constraints keep such rows away; a reader does not count on that, so
// that one bad row never stops all others.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <set>
#include <string>

namespace mirror::db {

class UnreadableRows {
 public:
  // `row` is like "file 'a/b'", printable; `fault` says what is wrong with it. A row that is read
  // again counts once.
  void add(const std::string& row, const std::string& fault) {
    if (rows_.size() == kMost || !rows_.insert(row).second || rows_.size() > kNamed) return;
    names_ += fmt::format("{}{} ({})", names_.empty() ? "" : ", ", row, fault);
  }

  // One line for the log; "": all rows were read.
  std::string text() const {
    if (rows_.empty()) return "";
    return fmt::format("{}{} rows of the database cannot be read and are left out: {}{}",
                       rows_.size() == kMost ? "at least " : "", rows_.size(), names_,
                       rows_.size() > kNamed ? ", …" : "");
  }

 private:
  static constexpr std::size_t kNamed = 5, kMost = 1000;
  std::set<std::string> rows_;
  std::string names_;
};

}  // namespace mirror::db
