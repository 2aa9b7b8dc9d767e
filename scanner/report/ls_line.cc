#include "scanner/report/ls_line.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string>

#include "core/number.h"

namespace mirror::scanner::report {
namespace {

constexpr std::int64_t kDay_s = 86400;
constexpr std::size_t kModeBytes = 10;
constexpr std::string_view kArrow = " -> ";

// Takes the next word off `rest`, with the blanks before it; "" at the end.
std::string_view take_word(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  const std::string_view word = rest.substr(0, rest.find(' '));
  rest.remove_prefix(word.size());
  return word;
}

std::optional<std::int64_t> days_of(int year, unsigned month, unsigned day) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count();
}

// "00:10", or "00:10:03.123456789" (then `exact`).
std::optional<std::int64_t> seconds_of_day(std::string_view text, bool& exact) {
  exact = text.size() > 5;
  if (text.size() < 5 || text[2] != ':') return std::nullopt;
  const auto hour = whole_number<unsigned>(text.substr(0, 2));
  const auto minute = whole_number<unsigned>(text.substr(3, 2));
  std::optional<unsigned> second = 0;
  if (exact) second = text[5] == ':' ? whole_number<unsigned>(text.substr(6, 2)) : std::nullopt;
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60)
    return std::nullopt;
  return *hour * 3600 + *minute * 60 + *second;
}

// "+0130": how far it is ahead of UTC.
std::optional<std::int64_t> zone_s(std::string_view text) {
  if (text.size() != 5 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const auto hours = whole_number<unsigned>(text.substr(1, 2)),
             minutes = whole_number<unsigned>(text.substr(3));
  if (!hours || !minutes) return std::nullopt;
  const std::int64_t ahead_s = *hours * 3600 + *minutes * 60;
  return text[0] == '-' ? -ahead_s : ahead_s;
}

// "2026-11-24 00:10", "2026-11-24 00:10:03.0 +0000".
bool take_iso(std::string_view date, std::string_view& rest, Entry& entry,
              db::Precision& precision) {
  if (date.size() != 10 || date[4] != '-' || date[7] != '-') return false;
  const auto year = whole_number<int>(date.substr(0, 4));
  const auto month = whole_number<unsigned>(date.substr(5, 2)),
             day = whole_number<unsigned>(date.substr(8));
  if (!year || !month || !day) return false;
  const auto days = days_of(*year, *month, *day);
  bool exact = false;
  const auto seconds = seconds_of_day(take_word(rest), exact);
  if (!days || !seconds) return false;
  std::int64_t ahead_s = 0;
  if (exact) {
    const auto zone = zone_s(take_word(rest));
    if (!zone) return false;
    ahead_s = *zone;
  }
  entry.mtime_s = *days * kDay_s + *seconds - ahead_s;
  precision = exact ? db::Precision::second : db::Precision::minute;
  return true;
}

unsigned month_of(std::string_view name) {
  static constexpr std::array<std::string_view, 12> kNames = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  return found == kNames.end() ? 0 : static_cast<unsigned>(found - kNames.begin()) + 1;
}

int year_of(std::int64_t time_s) {
  const std::chrono::sys_days day(std::chrono::days(time_s / kDay_s));
  return static_cast<int>(std::chrono::year_month_day(day).year());
}

// "Nov 24 00:10", "Nov 24 2025", "24 Nov 2025".
bool take_named(std::string_view first, std::string_view& rest, std::int64_t now_s, Entry& entry,
                db::Precision& precision) {
  std::string_view second = take_word(rest);
  if (month_of(first) == 0) std::swap(first, second);
  const unsigned month = month_of(first);
  const auto day = whole_number<unsigned>(second);
  const std::string_view last = take_word(rest);
  if (month == 0 || !day) return false;
  if (last.find(':') == last.npos) {
    const auto year = whole_number<int>(last);
    const auto days = year && last.size() == 4 ? days_of(*year, month, *day) : std::nullopt;
    if (!days) return false;
    entry.mtime_s = *days * kDay_s;
    precision = db::Precision::day;
    return true;
  }
  bool exact = false;
  const auto seconds = seconds_of_day(last, exact);
  if (!seconds || exact) return false;
  precision = db::Precision::minute;
  for (int year = year_of(now_s) + 1; year > year_of(now_s) - 8; --year) {
    const auto days = days_of(year, month, *day);  // none on February 29 of most years
    if (!days) continue;
    entry.mtime_s = *days * kDay_s + *seconds;
    if (entry.mtime_s < now_s + kDay_s) return true;
  }
  return false;
}

bool take_mode(std::string_view mode, Entry& entry) {
  if (mode.size() < kModeBytes || mode.size() > kModeBytes + 1) return false;  // '+', '.', '@'
  constexpr std::string_view kTypes = "-dlbcpsD", kLetters = "rwxsStT-";
  if (kTypes.find(mode[0]) == kTypes.npos ||
      mode.substr(1, kModeBytes - 1).find_first_not_of(kLetters) != mode.npos)
    return false;
  entry.kind = mode[0] == '-'   ? ListedKind::file
               : mode[0] == 'd' ? ListedKind::directory
               : mode[0] == 'l' ? ListedKind::link
                                : ListedKind::special;
  const bool search = mode[9] == 'x' || mode[9] == 't';
  entry.world_readable = mode[7] == 'r' && (entry.kind != ListedKind::directory || search);
  return true;
}

}  // namespace

bool parse_ls_line(std::string_view text, std::int64_t now_s, Entry& entry,
                   db::Precision& precision) {
  std::string_view rest = text;
  if (!take_mode(take_word(rest), entry) || !whole_number<unsigned>(take_word(rest))) return false;
  take_word(rest);  // the user
  take_word(rest);  // the group
  const std::string_view size = take_word(rest);
  if (entry.kind == ListedKind::special) {
    if (size.ends_with(',')) take_word(rest);  // a device's two numbers
    entry.size_bytes = 0;
  } else {
    const auto bytes = whole_number<std::int64_t>(size);
    if (!bytes || *bytes < 0) return false;
    entry.size_bytes = *bytes;
  }
  const std::string_view date = take_word(rest);
  const bool iso = date.size() == 10 && date[4] == '-';
  if (!(iso ? take_iso(date, rest, entry, precision)
            : take_named(date, rest, now_s, entry, precision)))
    return false;
  if (rest.size() < 2 || rest[0] != ' ') return false;
  rest.remove_prefix(1);
  entry.target.clear();
  if (entry.kind == ListedKind::link) {
    const std::size_t arrow = rest.find(kArrow);
    if (arrow == rest.npos || arrow == 0) return false;
    entry.target = rest.substr(arrow + kArrow.size());
    rest = rest.substr(0, arrow);
  }
  entry.path = rest;
  return true;
}

}  // namespace mirror::scanner::report
