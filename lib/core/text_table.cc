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

constexpr std::size_t kLeastToWrap = 20;  // columns that a cell of several lines needs

// In lines of at most so many columns, but for words that are longer by themselves.
std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines(1);
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    const bool fits = display_width(lines.back()) + 1 + display_width(word) <= width;
    if (!lines.back().empty() && !fits) lines.emplace_back();
    if (!lines.back().empty()) lines.back() += ' ';
    lines.back() += word;
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  return lines;
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

std::vector<std::size_t> TextTable::widths() const {
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) widths.push_back(display_width(column.title));
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], display_width(row[i]));
  }
  return widths;
}

void TextTable::add_row(const std::vector<std::string>& cells,
                        const std::vector<std::size_t>& widths, std::size_t width, Paint paint,
                        std::string& text) const {
  const auto painted = [&](std::size_t column, const std::string& cell) {
    return paint != nullptr && columns_[column].is_state ? paint(cell) : cell;
  };
  std::string line = indent_;
  const std::size_t last = columns_.size() - 1;
  std::size_t used = display_width(indent_);
  for (std::size_t i = 0; i < last; ++i) {
    const std::string pad(widths[i] - display_width(cells[i]), ' ');
    const std::string cell = painted(i, cells[i]);
    line += columns_[i].align == Align::right ? pad + cell : cell + pad;
    line += "  ";
    used += widths[i] + 2;
  }
  const bool wraps = columns_[last].align == Align::left && width >= used + kLeastToWrap;
  if (!wraps || display_width(cells[last]) <= width - used) {
    if (columns_[last].align == Align::right)
      line += std::string(widths[last] - display_width(cells[last]), ' ');
    line += painted(last, cells[last]);
    text += line.erase(line.find_last_not_of(' ') + 1) + "\n";
    return;
  }
  for (const std::string& part : wrapped(cells[last], width - used)) {
    text += line + painted(last, part) + "\n";
    line.assign(used, ' ');
  }
}

std::string TextTable::text(std::size_t width, Paint paint) const {
  std::string text;
  const std::vector<std::size_t> columns = widths();
  std::vector<std::string> titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  const bool titled =
      std::any_of(titles.begin(), titles.end(), [](const auto& title) { return !title.empty(); });
  if (titled) add_row(titles, columns, width, nullptr, text);
  for (const auto& row : rows_) add_row(row, columns, width, paint, text);
  return text;
}

}  // namespace mirror
