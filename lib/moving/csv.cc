// Tables, as spreadsheets write them (RFC 4180).
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "core/ascii.h"
#include "core/path.h"
#include "moving/formats.h"

namespace mirror::moving {
namespace {

using Row = std::vector<std::string>;

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
  }

  bool at_end() const { return at_ >= text_.size(); }
  int line() const { return line_; }

  // The next row; a row without any cell that is not empty has none.
  Row row() {
    Row cells;
    bool any = false;
    do {
      cells.push_back(cell());
      any = any || !cells.back().empty();
    } while (take(separator_));
    if (at_ < text_.size() && text_[at_] == '\r') ++at_;
    if (!at_end() && !take('\n'))
      throw FormatError(
          fmt::format("line {}: something follows the closing quotation mark", line_));
    ++line_;
    if (!any) cells.clear();
    return cells;
  }

  // Tables of some languages' spreadsheets have semicolons.
  void find_separator() {
    const std::string_view first = text_.substr(0, text_.find('\n'));
    for (const char separator : {',', ';', '\t'}) {
      if (first.find(separator) == first.npos) continue;
      separator_ = separator;
      return;
    }
  }

 private:
  bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::string cell() {
    if (!take('"')) {
      const std::size_t end =
          std::min(text_.find_first_of(std::string{separator_, '\r', '\n'}, at_), text_.size());
      const std::string_view plain = text_.substr(at_, end - at_);
      at_ = end;
      return std::string(without_blanks(plain));
    }
    const int began = line_;
    std::string cell;
    while (!at_end()) {
      const char c = text_[at_++];
      if (c == '"' && !take('"')) return cell;
      line_ += c == '\n';
      cell += c;
    }
    throw FormatError(fmt::format("line {}: a quotation mark is not closed", began));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
  char separator_ = ',';
};

void add_served(std::string_view list, MovedMirror& mirror) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find_first_of(", "), list.size());
    if (end > 0) mirror.serves_first.emplace_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

}  // namespace

MovedMirrors read_csv(std::string_view text) {
  Reader reader(text);
  reader.find_separator();
  const Row names = reader.at_end() ? Row() : reader.row();
  if (std::find(names.begin(), names.end(), "identifier") == names.end())
    throw FormatError("line 1: no column has the name identifier");
  std::set<std::string_view> seen;
  for (const std::string& name : names)
    if (!name.empty() && !seen.insert(name).second)
      throw FormatError(fmt::format("line 1: two columns have the name {}", printable(name)));
  MovedMirrors moved;
  while (!reader.at_end()) {
    const int line = reader.line();
    Row cells = reader.row();
    if (cells.empty()) continue;
    if (cells.size() > names.size())
      throw FormatError(
          fmt::format("line {}: {} values for {} columns", line, cells.size(), names.size()));
    cells.resize(names.size());
    MovedMirror& mirror = moved.mirrors.emplace_back();
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i] == "identifier")
        mirror.identifier = cells[i];
      else if (names[i] == "serves_first") {
        add_served(cells[i], mirror);
        mirror.says_all_networks = mirror.says_all_ases = true;
      } else if (!names[i].empty())
        mirror.columns.emplace_back(names[i], cells[i]);
    }
    if (mirror.identifier.empty()) throw FormatError(fmt::format("line {}: no identifier", line));
  }
  return moved;
}

}  // namespace mirror::moving
