#include "scanner/rsync/rsync_list.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <limits>

namespace mirror::scanner {
namespace {

constexpr std::size_t kModeBytes = 10;
constexpr std::size_t kTimeBytes = 19;  // YYYY/MM/DD HH:MM:SS
constexpr std::string_view kArrow = " -> ";

bool parse_mode(std::string_view mode, Entry& entry) {
  static constexpr std::array<std::string_view, kModeBytes> kLetters = {
      "-dlbcps", "r-", "w-", "x-sS", "r-", "w-", "x-sS", "r-", "w-", "x-tT"};
  for (std::size_t i = 0; i < kModeBytes; ++i) {
    if (kLetters[i].find(mode[i]) == std::string_view::npos) return false;
  }
  const bool read = mode[7] == 'r';
  const bool search = mode[9] == 'x' || mode[9] == 't';
  switch (mode[0]) {
    case '-':
      entry.kind = ListedKind::file;
      break;
    case 'd':
      entry.kind = ListedKind::directory;
      break;
    case 'l':
      entry.kind = ListedKind::link;
      break;
    default:
      entry.kind = ListedKind::special;
  }
  entry.world_readable = read && (entry.kind != ListedKind::directory || search);
  return true;
}

// Takes the padded size and the space after it off `rest`. Older programs write thousands commas.
bool take_size(std::string_view& rest, std::int64_t& size_bytes) {
  const std::size_t start = rest.find_first_not_of(' ');
  if (start == 0 || start == std::string_view::npos) return false;
  const std::size_t end = rest.find(' ', start);
  if (end == std::string_view::npos) return false;
  std::int64_t value = 0;
  for (const char c : rest.substr(start, end - start)) {
    if (c == ',') continue;
    if (c < '0' || c > '9') return false;
    const int digit = c - '0';
    if (value > (std::numeric_limits<std::int64_t>::max() - digit) / 10) return false;
    value = value * 10 + digit;
  }
  if (rest[start] == ',' || rest[end - 1] == ',') return false;
  size_bytes = value;
  rest.remove_prefix(end + 1);
  return true;
}

bool take_number(std::string_view text, unsigned& value) {
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

bool digit(char c) { return c >= '0' && c <= '9'; }

// The 19 bytes that rsync keeps of a time whose year has other than four digits.
bool is_odd_time(std::string_view text) {
  constexpr std::string_view kAfterYear = "/dd/dd dd:dd:dd";
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  std::size_t year = 0;
  while (year < text.size() && digit(text[year])) ++year;
  if (year == 0 || (year == 4 && !negative) || text.size() - year > kAfterYear.size()) return false;
  const std::string_view after = text.substr(year);
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (kAfterYear[i] == 'd' ? !digit(after[i]) : after[i] != kAfterYear[i]) return false;
  }
  return true;
}

// `rest` has kTimeBytes; its year has four digits.
bool parse_time(std::string_view rest, std::int64_t& mtime_s) {
  if (rest[4] != '/' || rest[7] != '/' || rest[10] != ' ' || rest[13] != ':' || rest[16] != ':')
    return false;
  unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!take_number(rest.substr(0, 4), year) || !take_number(rest.substr(5, 2), month) ||
      !take_number(rest.substr(8, 2), day) || !take_number(rest.substr(11, 2), hour) ||
      !take_number(rest.substr(14, 2), minute) || !take_number(rest.substr(17, 2), second)) {
    return false;
  }
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)),
                                         std::chrono::month(month), std::chrono::day(day)};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return false;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  mtime_s = days * 86400 + hour * 3600 + minute * 60 + second;
  return true;
}

bool take_time(std::string_view& rest, Entry& entry) {
  if (rest.size() <= kTimeBytes || rest[kTimeBytes] != ' ') return false;
  const std::string_view text = rest.substr(0, kTimeBytes);
  entry.mtime_s = 0;
  entry.odd_time = is_odd_time(text);
  if (!entry.odd_time && !parse_time(text, entry.mtime_s)) return false;
  rest.remove_prefix(kTimeBytes + 1);
  return true;
}

// A link's size is its target's length, which tells the arrow from an arrow within a name. Some
// servers report another size.
bool split_link(Entry& entry) {
  const std::size_t all = entry.path.size();
  std::size_t arrow = std::string::npos;
  if (entry.size_bytes > 0 && all > kArrow.size() &&
      static_cast<std::uint64_t>(entry.size_bytes) < all - kArrow.size()) {
    const std::size_t there = all - kArrow.size() - static_cast<std::size_t>(entry.size_bytes);
    if (entry.path.compare(there, kArrow.size(), kArrow) == 0) arrow = there;
  }
  if (arrow == std::string::npos) arrow = entry.path.find(kArrow);
  if (arrow == std::string::npos || arrow == 0) return false;
  entry.target.assign(entry.path, arrow + kArrow.size());
  entry.path.resize(arrow);
  return true;
}

bool octal(char c) { return c >= '0' && c <= '7'; }

}  // namespace

void unescape_rsync(std::string_view text, std::string& out) {
  out.clear();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t escape = text.find("\\#", at);
    out.append(text, at, escape == std::string_view::npos ? escape : escape - at);
    if (escape == std::string_view::npos) return;
    const std::string_view digits = text.substr(escape + 2, 3);
    if (digits.size() == 3 && digits[0] <= '3' && octal(digits[0]) && octal(digits[1]) &&
        octal(digits[2])) {
      out += static_cast<char>((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + (digits[2] - '0'));
      at = escape + 5;
    } else {
      out += "\\#";
      at = escape + 2;
    }
  }
}

bool parse_rsync_line(std::string_view line, Entry& entry) {
  if (line.size() <= kModeBytes || !parse_mode(line.substr(0, kModeBytes), entry)) return false;
  std::string_view rest = line.substr(kModeBytes);
  if (!take_size(rest, entry.size_bytes) || !take_time(rest, entry) || rest.empty()) return false;
  unescape_rsync(rest, entry.path);
  entry.target.clear();
  return entry.kind != ListedKind::link || split_link(entry);
}

void LineCutter::feed(std::string_view chunk) {
  while (!chunk.empty()) {
    const std::size_t newline = chunk.find('\n');
    if (newline == std::string_view::npos) return keep(chunk);
    if (partial_.empty() && newline <= max_bytes_) {
      emit(chunk.substr(0, newline));
    } else {
      keep(chunk.substr(0, newline));
      emit(partial_);
    }
    chunk.remove_prefix(newline + 1);
  }
}

void LineCutter::finish() {
  if (!partial_.empty()) emit(partial_);
}

void LineCutter::keep(std::string_view part) {
  const std::size_t room = max_bytes_ - partial_.size();
  cut_ = cut_ || part.size() > room;
  partial_.append(part.substr(0, room));
}

void LineCutter::emit(std::string_view line) {
  on_line_(line, cut_);
  partial_.clear();
  cut_ = false;
}

}  // namespace mirror::scanner
