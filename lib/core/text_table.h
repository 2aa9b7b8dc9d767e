// Rows of cells as text, aligned under their titles. Pure; one thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mirror {

// Columns of a terminal that `text` (safe UTF-8) takes.
std::size_t display_width(std::string_view text);

enum class Align { left, right };

// Cells are made printable when added.
class TextTable {
 public:
  struct Column {
    std::string title;
    Align align = Align::left;
    bool is_state = false;  // of what is well or not: painted where colours are wanted
  };
  // A cell with what colours it; it takes the same room. nullptr: nothing is painted.
  using Paint = std::string (*)(const std::string& cell);
  explicit TextTable(std::vector<Column> columns, std::string indent = "")
      : columns_(std::move(columns)), indent_(std::move(indent)) {}
  // So many columns without titles, aligned left.
  explicit TextTable(std::size_t columns) : columns_(columns) {}
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  // The title line, when there is a title, and every row, each with a newline. Where rows would be
  // longer than `width` columns, the words of the last cells go on in further lines below their
  // column, if that is aligned left and leaves room for some; 0: no line is too long.
  std::string text(std::size_t width = 0, Paint paint = nullptr) const;

 private:
  std::vector<std::size_t> widths() const;
  void add_row(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths,
               std::size_t width, Paint paint, std::string& text) const;

  std::vector<Column> columns_;
  std::string indent_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace mirror
