// What the terminal is like that output goes to.
#pragma once

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstddef>

namespace mirror::cli {

// The columns of the terminal that standard output is; 0: it is none, or does not tell, and lines
// may be of any length.
inline std::size_t output_columns() {
  winsize size{};
  return ::isatty(STDOUT_FILENO) == 1 && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0
             ? size.ws_col
             : 0;
}

}  // namespace mirror::cli
