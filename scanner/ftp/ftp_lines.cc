#include "scanner/ftp/ftp_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "core/ascii.h"
#include "core/number.h"
#include "core/path.h"
#include "scanner/report/ls_line.h"

namespace mirror::scanner::ftp {
namespace {

constexpr std::int64_t kDay_s = 86400;

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool has(std::string_view letters, char letter) {
  return std::any_of(letters.begin(), letters.end(),
                     [letter](char c) { return lower(c) == letter; });
}

// Since 1970, of a date and a time of day.
std::optional<std::int64_t> unix_time(int year, unsigned month, unsigned day, unsigned hour,
                                      unsigned minute, unsigned second) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count() * kDay_s + hour * 3600 +
         minute * 60 + second;
}

// YYYYMMDDHHMMSS, maybe with a fraction of the second (RFC 3659 §2.3).
std::optional<std::int64_t> read_time_value(std::string_view text) {
  if (text.size() < 14 || (text.size() > 14 && text[14] != '.')) return std::nullopt;
  const auto year = whole_number<int>(text.substr(0, 4));
  if (!year || *year < 0) return std::nullopt;
  unsigned parts[5];
  for (std::size_t i = 0; i < 5; ++i) {
    const auto part = whole_number<unsigned>(text.substr(4 + 2 * i, 2));
    if (!part) return std::nullopt;
    parts[i] = *part;
  }
  return unix_time(*year, parts[0], parts[1], parts[2], parts[3], parts[4]);
}

// What MLSD tells of one name.
struct Facts {
  std::string_view type, size, modify, mode, perm;
};

Facts read_facts(std::string_view text) {
  Facts facts;
  while (!text.empty()) {
    const std::string_view fact = text.substr(0, text.find(';'));
    text.remove_prefix(std::min(fact.size() + 1, text.size()));
    const std::size_t equals = fact.find('=');
    if (equals == fact.npos) continue;
    const std::string_view name = fact.substr(0, equals), value = fact.substr(equals + 1);
    if (same_word(name, "type")) facts.type = value;
    if (same_word(name, "size")) facts.size = value;
    if (same_word(name, "modify")) facts.modify = value;
    if (same_word(name, "unix.mode")) facts.mode = value;
    if (same_word(name, "perm")) facts.perm = value;
  }
  return facts;
}

bool world_readable(const Facts& facts, bool is_folder) {
  if (const auto mode = whole_number<unsigned>(facts.mode, 8)) {
    const unsigned needed = is_folder ? 05 : 04;
    return (*mode & needed) == needed;
  }
  if (facts.perm.empty()) return true;
  return is_folder ? has(facts.perm, 'e') && has(facts.perm, 'l') : has(facts.perm, 'r');
}

// Links have types of the server's own (RFC 3659 §7.5.1.5).
ListedKind kind_of(std::string_view type) {
  constexpr std::string_view kLinks[] = {"os.unix=slink", "os.unix=symlink"};
  if (same_word(type, "file")) return ListedKind::file;
  if (same_word(type, "dir")) return ListedKind::directory;
  const bool link = std::any_of(std::begin(kLinks), std::end(kLinks), [&](std::string_view begin) {
    return same_word(type.substr(0, begin.size()), begin);
  });
  return link ? ListedKind::link : ListedKind::special;
}

bool is_self(std::string_view name) { return name == "." || name == ".."; }

// "11-24-26  10:19PM", "11-24-2026  22:19": the month comes first.
std::optional<std::int64_t> read_dos_time(std::string_view date, std::string_view clock) {
  if ((date.size() != 8 && date.size() != 10) || date[2] != '-' || date[5] != '-')
    return std::nullopt;
  if ((clock.size() != 5 && clock.size() != 7) || clock[2] != ':') return std::nullopt;
  const auto month = whole_number<unsigned>(date.substr(0, 2));
  const auto day = whole_number<unsigned>(date.substr(3, 2));
  auto year = whole_number<int>(date.substr(6));
  auto hour = whole_number<unsigned>(clock.substr(0, 2));
  const auto minute = whole_number<unsigned>(clock.substr(3, 2));
  if (!month || !day || !year || !hour || !minute) return std::nullopt;
  if (date.size() == 8) *year += *year < 70 ? 2000 : 1900;
  if (clock.size() == 7) {
    const std::string_view half = clock.substr(5);
    const bool afternoon = same_word(half, "pm");
    if (*hour < 1 || *hour > 12 || (!afternoon && !same_word(half, "am"))) return std::nullopt;
    *hour = *hour % 12 + (afternoon ? 12 : 0);
  }
  return unix_time(*year, *month, *day, *hour, *minute, 0);
}

// Takes the next word off `rest`, with the blanks before it.
std::string_view take_word(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  const std::string_view word = rest.substr(0, rest.find(' '));
  rest.remove_prefix(word.size());
  return word;
}

std::optional<std::int64_t> read_size(std::string_view text) {
  std::string digits(text);
  digits.erase(std::remove(digits.begin(), digits.end(), ','), digits.end());
  const auto size = whole_number<std::int64_t>(digits);
  return size && *size >= 0 ? size : std::nullopt;
}

// Windows servers print sizes and `<DIR>` so that all names begin in one column.
bool read_dos_line(std::string_view line, FtpEntry& into) {
  constexpr std::size_t kBlanksBehindDir = 10;
  std::string_view rest = line;
  const std::string_view date = take_word(rest);
  const auto time_s = read_dos_time(date, take_word(rest));
  const std::string_view size = take_word(rest);
  if (!time_s || rest.size() < 2) return false;
  into = {};
  into.entry.world_readable = true;
  std::size_t blanks = 1;
  if (size == "<DIR>") {
    into.entry.kind = ListedKind::directory;
    blanks = std::min({rest.find_first_not_of(' '), rest.size() - 1, kBlanksBehindDir});
  } else if (const auto bytes = read_size(size)) {
    into.entry.size_bytes = *bytes;
  } else {
    return false;
  }
  into.entry.path = rest.substr(blanks);
  into.entry.mtime_s = *time_s;
  into.time = {*time_s, 60, false};
  return true;
}

// Some servers leave out the group.
std::string with_group(std::string_view line) {
  std::string_view rest = line;
  take_word(rest), take_word(rest);
  const auto at = line.size() - rest.size();
  return fmt::format("{} -{}", line.substr(0, at), rest);
}

bool read_unix_line(std::string_view line, std::int64_t now_s, FtpEntry& into) {
  db::Precision precision = db::Precision::second;
  into = {};
  const bool good = report::parse_ls_line(line, now_s, into.entry, precision) ||
                    report::parse_ls_line(with_group(line), now_s, into.entry, precision);
  into.time = {into.entry.mtime_s, static_cast<std::int64_t>(precision), false};
  return good;
}

}  // namespace

LineKind read_mlsd_line(std::string_view line, FtpEntry& into) {
  const std::size_t blank = line.find(' ');
  if (blank == line.npos || blank + 1 == line.size()) return LineKind::fault;
  if (blank > 0 && line[blank - 1] != ';') return LineKind::fault;
  const Facts facts = read_facts(line.substr(0, blank));
  if (facts.type.empty()) return LineKind::fault;
  if (same_word(facts.type, "cdir") || same_word(facts.type, "pdir")) return LineKind::nothing;
  into = {};
  Entry& entry = into.entry;
  entry.path = line.substr(blank + 1);
  if (is_self(entry.path)) return LineKind::nothing;
  entry.kind = kind_of(facts.type);
  entry.world_readable = world_readable(facts, entry.kind == ListedKind::directory);
  if (entry.kind != ListedKind::file) return LineKind::entry;
  const auto size = whole_number<std::int64_t>(facts.size);
  if (!size || *size < 0) return LineKind::fault;
  entry.size_bytes = *size;
  const auto time_s = read_time_value(facts.modify);
  entry.odd_time = !time_s;
  entry.mtime_s = time_s.value_or(0);
  into.time = {entry.mtime_s, 1, true};
  return LineKind::entry;
}

LineKind read_list_line(std::string_view line, std::int64_t now_s, FtpEntry& into) {
  constexpr std::string_view kSum = "total ";
  if (line.empty()) return LineKind::nothing;
  if (line.starts_with(kSum) && whole_number<std::int64_t>(line.substr(kSum.size())))
    return LineKind::nothing;
  if (!read_unix_line(line, now_s, into) && !read_dos_line(line, into)) return LineKind::fault;
  return is_self(into.entry.path) ? LineKind::nothing : LineKind::entry;
}

FtpFolder read_folder(std::string_view body, bool is_mlsd, std::int64_t now_s) {
  FtpFolder folder;
  FtpEntry entry;
  for (std::size_t number = 1; !body.empty(); ++number) {
    const std::size_t end = body.find('\n');
    if (end == body.npos) return {{}, "its listing ends in the middle of a line"};
    std::string_view line = body.substr(0, end);
    body.remove_prefix(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const LineKind kind =
        is_mlsd ? read_mlsd_line(line, entry) : read_list_line(line, now_s, entry);
    const bool slash = kind == LineKind::entry && entry.entry.path.find('/') != std::string::npos;
    if (kind == LineKind::fault || slash) {
      return {{},
              fmt::format("line {} of its listing is not as {} has it: '{}'", number,
                          is_mlsd ? "MLSD" : "LIST", printable(line.substr(0, 200)))};
    }
    if (kind == LineKind::entry) folder.entries.push_back(entry);
    if (folder.entries.size() > kMostEntries)
      return {{}, fmt::format("it has more than {} entries", kMostEntries)};
  }
  return folder;
}

}  // namespace mirror::scanner::ftp
