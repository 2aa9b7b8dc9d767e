#include "tools/cli/progress_line.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

namespace mirror::cli {

std::string fitted(std::string text, std::size_t width) {
  if (text.size() < width) return text;
  bool half = (static_cast<unsigned char>(text[width - 4]) & 0xc0) == 0x80;
  text.resize(width - 4);
  while (half && !text.empty()) {
    half = (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80;
    text.pop_back();
  }
  return text + "...";
}

ProgressLine::ProgressLine(bool wanted) : wanted_(wanted && isatty(STDERR_FILENO) == 1) {}

std::size_t ProgressLine::width() {
  constexpr unsigned short kLeast = 20;  // fewer, and the terminal does not know
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < kLeast) return 80;
  return size.ws_col;
}

void ProgressLine::draw(const std::string& text) {
  if (!wanted_) return;
  fmt::print(stderr, "\r\033[K{}", fitted(text, width()));
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressLine::clear() {
  if (!drawn_) return;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace mirror::cli
