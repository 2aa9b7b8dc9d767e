// What mb writes: text safe for terminals, aligned tables, JSON. Everything shown may come from a
// hostile database or command line, so control characters are escaped here, in one place. One
// thread.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/readable.h"
#include "core/text_table.h"
#include "explain/json.h"
#include "tools/cli/json.h"

namespace mirror::mb {

// Standard output cannot be written; `quiet` when its reader went away.
struct OutputError : std::runtime_error {
  OutputError(const std::string& what, bool quiet_pipe)
      : std::runtime_error(what), quiet(quiet_pipe) {}
  bool quiet;
};

// Lines without control characters or broken UTF-8; newlines stay. Unlike printable() it leaves
// backslashes alone, so that text that is escaped already stays as it is.
std::string terminal_safe(std::string_view text);

// To standard output, made safe, with a newline at the end. Throws OutputError.
void say(std::string_view line);
// The same for text whose lines have their newlines.
void say_lines(std::string_view lines);
// The same for text that is safe already, and may have colours.
void say_painted(std::string_view lines);
// To standard error: "mb: " and the message, made safe.
void complain(std::string_view message);
// Throws OutputError unless all output has been written; to be called last.
void flush_output();

// Indented and in ASCII alone, so that no byte of it means anything to a terminal.
void say_json(const nlohmann::json& value);

// The same on one line.
void say_json_line(const nlohmann::json& value);

// A table on standard output.
class Table : public TextTable {
 public:
  using TextTable::TextTable;
  // Says the title line, when there is a title, and every row.
  void say() const;
};

}  // namespace mirror::mb
