// What mb writes: text safe for terminals, aligned tables, JSON. Everything shown may come from a
// hostile database or command line, so control characters are escaped here, in one place. One
// thread.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>
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
// To standard error: "mb: " and the message, made safe.
void complain(std::string_view message);
// Throws OutputError unless all output has been written; to be called last.
void flush_output();

// Indented and in ASCII alone, so that no byte of it means anything to a terminal.
void say_json(const nlohmann::json& value);

// The same on one line.
void say_json_line(const nlohmann::json& value);

// Sets `key` to the bytes where they are UTF-8, else `key`_hex to their hexadecimal digits: JSON
// has no other bytes.
void put_bytes(nlohmann::json& object, const std::string& key, std::string_view bytes);

// Columns of a terminal that `text` (safe UTF-8) takes.
std::size_t display_width(std::string_view text);

enum class Align { left, right };

// Rows of cells, aligned under their titles. Cells are made printable when added.
class Table {
 public:
  struct Column {
    std::string title;
    Align align = Align::left;
  };
  explicit Table(std::vector<Column> columns, std::string indent = "")
      : columns_(std::move(columns)), indent_(std::move(indent)) {}
  // So many columns without titles, aligned left.
  explicit Table(std::size_t columns) : columns_(columns) {}
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  // Says the title line, when there is a title, and every row.
  void say() const;

 private:
  std::vector<Column> columns_;
  std::string indent_;
  std::vector<std::vector<std::string>> rows_;
};

// 1234567 as "1,234,567".
std::string grouped(std::int64_t number);
// Unix time as "2026-11-24 00:10 UTC".
std::string utc_minute(std::int64_t time_s);
// Unix time as RFC 3339, for JSON.
std::string rfc3339(std::int64_t time_s);

}  // namespace mirror::mb
