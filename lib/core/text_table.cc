#include "core/text_table.h"

#include <wchar.h>

#include <algorithm>
#include <clocale>

#include "core/path.h"

namespace mirror {
namespace {

// The next code point of UTF-8 that printable() made; broken text counts a column a byte.
char32_t take_code_point(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  char32_t code = length == 1 ? lead : lead & (0xff >> (length + 1));
  for (std::size_t i = 1; i < std::min(length, text.size()); ++i)
    code = code << 6 | (text[i] & 0x3f);
  text.remove_prefix(std::min(length, text.size()));
  return code;
}

}  // namespace

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

void TextTable::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (std::string& cell : cells) cell = printable(cell);
  rows_.push_back(std::move(cells));
}

std::string TextTable::text() const {
  std::string text;
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
    text += line.erase(line.find_last_not_of(' ') + 1) + "\n";
  };
  const bool titled = std::any_of(columns_.begin(), columns_.end(),
                                  [](const Column& c) { return !c.title.empty(); });
  if (titled) write_row([&](std::size_t i) -> const std::string& { return columns_[i].title; });
  for (const auto& row : rows_)
    write_row([&](std::size_t i) -> const std::string& { return row[i]; });
  return text;
}

}  // namespace mirror
