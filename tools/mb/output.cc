#include "tools/mb/output.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "core/path.h"
#include "tools/cli/color.h"
#include "tools/cli/terminal.h"

namespace mirror::mb {
namespace {

void write(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size()) return;
  throw OutputError(fmt::format("standard output: {}", std::strerror(errno)), errno == EPIPE);
}

}  // namespace

std::string terminal_safe(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t stop = std::min(text.find_first_of("\\\n\t"), text.size());
    result += printable(text.substr(0, stop));
    if (stop < text.size()) result += text[stop];
    text.remove_prefix(std::min(stop + 1, text.size()));
  }
  return result;
}

void say(std::string_view line) { write(terminal_safe(line) + "\n"); }

void say_lines(std::string_view lines) { write(terminal_safe(lines)); }

void say_painted(std::string_view lines) { write(lines); }

void complain(std::string_view message) {
  while (message.ends_with('\n')) message.remove_suffix(1);
  const std::string line = "mb: " + terminal_safe(message) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void flush_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout)) {
    throw OutputError(fmt::format("standard output: {}", std::strerror(errno)), errno == EPIPE);
  }
}

void say_json(const nlohmann::json& value) {
  write(value.dump(2, ' ', true, nlohmann::json::error_handler_t::replace) + "\n");
}

void say_json_line(const nlohmann::json& value) {
  write(value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n");
}

void Table::say() const { write(text(cli::output_columns(), cli::state_paint())); }

}  // namespace mirror::mb
