// The line of progress that a program rewrites on a terminal while it works. One thread at a time.
#pragma once

#include <cstddef>
#include <string>

namespace mirror::cli {

// `text` (UTF-8) in less than `width` columns; "..." ends what was cut. REQUIRES: width > 4.
std::string fitted(std::string text, std::size_t width);

class ProgressLine {
 public:
  // Not `wanted`, or standard error is no terminal: nothing is ever drawn.
  explicit ProgressLine(bool wanted);
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // Whether a text would be shown.
  bool wanted() const { return wanted_; }
  // The terminal's columns as they are now.
  static std::size_t width();
  // Draws it over the previous line.
  void draw(const std::string& text);
  // Call this before anything else is written to the terminal.
  void clear();

 private:
  const bool wanted_;
  bool drawn_ = false;
};

}  // namespace mirror::cli
