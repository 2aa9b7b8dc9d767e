#include "output.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "core/path.h"

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

<<<<<<< HEAD
void put_bytes(nlohmann::json& object, const std::string& key, std::string_view bytes) {
  try {
    const nlohmann::json text = bytes;
    static_cast<void>(text.dump());
    object[key] = text;
  } catch (const nlohmann::json::type_error&) {
    std::string digits;
    for (const unsigned char byte : bytes) digits += fmt::format("{:02x}", byte);
    object[key + "_hex"] = digits;
  }
}

std::size_t display_width(std::string_view text) {
  // The width of a character depends on the locale's tables only; the user's own locale may know
  // ASCII alone.
  static const locale_t utf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  const locale_t before = utf8 != nullptr ? ::uselocale(utf8) : nullptr;
  std::size_t width = 0;
  while (!text.empty()) {
    const int columns = ::wcwidth(static_cast<wchar_t>(take_code_point(text)));
    width += columns >= 0 ? columns : 1;
  }
  if (before != nullptr) ::uselocale(before);
  return width;
}

void Table::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (std::string& cell : cells) cell = printable(cell);
  rows_.push_back(std::move(cells));
}

void Table::say() const {
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) widths.push_back(display_width(column.title));
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], display_width(row[i]));
  }
  const auto write_row = [&](auto cell_of) {
    std::string line = indent_;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string& cell = cell_of(i);
      const std::string pad(widths[i] - display_width(cell), ' ');
      line += i == 0 ? "" : "  ";
      line += columns_[i].align == Align::right ? pad + cell : cell + pad;
    }
    write(line.erase(line.find_last_not_of(' ') + 1) + "\n");
  };
  const bool titled = std::any_of(columns_.begin(), columns_.end(),
                                  [](const Column& c) { return !c.title.empty(); });
  if (titled) write_row([&](std::size_t i) -> const std::string& { return columns_[i].title; });
  for (const auto& row : rows_)
    write_row([&](std::size_t i) -> const std::string& { return row[i]; });
}

std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3 + (number < 0); i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

std::string utc_minute(std::int64_t time_s) { return formatted_time(time_s, "%Y-%m-%d %H:%M UTC"); }
std::string rfc3339(std::int64_t time_s) { return formatted_time(time_s, "%Y-%m-%dT%H:%M:%SZ"); }
=======
void Table::say() const { write(text()); }
>>>>>>> main

}  // namespace mirror::mb
