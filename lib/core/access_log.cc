#include "core/access_log.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "core/ascii.h"
#include "core/number.h"

namespace mirror {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Two hexadecimal digits at the front; -1: there are none.
int hex_byte(std::string_view text) {
  if (text.size() < 2) return -1;
  const int high = hex_digit(text[0]), low = hex_digit(text[1]);
  return high < 0 || low < 0 ? -1 : 16 * high + low;
}

// What stands between quotes, as httpd escapes it; takes it off the line with both quotes.
std::optional<std::string> take_quoted(std::string_view& line) {
  if (!line.starts_with('"')) return std::nullopt;
  std::string text;
  for (std::size_t i = 1; i < line.size(); ++i) {
    if (line[i] == '"') {
      line.remove_prefix(i + 1);
      return text;
    }
    if (line[i] != '\\' || i + 1 == line.size()) {
      text += line[i];
      continue;
    }
    const char escaped = line[++i];
    const int byte = escaped == 'x' ? hex_byte(line.substr(i + 1)) : -1;
    if (byte >= 0) i += 2;
    text += byte >= 0 ? static_cast<char>(byte) : escaped == 't' ? '\t' : escaped;
  }
  return std::nullopt;
}

std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return word;
}

std::string decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int byte = text[i] == '%' ? hex_byte(text.substr(i + 1)) : -1;
    if (byte >= 0) i += 2;
    result += byte >= 0 ? static_cast<char>(byte) : text[i];
  }
  return result;
}

// METHOD TARGET HTTP/x.y
bool read_request(std::string_view request, AccessLine& line) {
  const std::size_t space = request.find(' ');
  if (space == request.npos || space == 0) return false;
  line.method = std::string(request.substr(0, space));
  std::string_view target = request.substr(space + 1);
  target = target.substr(0, target.rfind(" HTTP/"));
  if (const std::size_t host = target.find("://"); host < target.find('/') && host != target.npos)
    target.remove_prefix(std::min(target.find('/', host + 3), target.size()));
  target = target.substr(0, target.find('?'));
  if (!target.starts_with('/')) return false;
  line.path = decoded(target.substr(std::min(target.find_first_not_of('/'), target.size())));
  return true;
}

// NAME=VALUE at the line's end; "-" is nothing.
std::string_view value_of(std::string_view line, std::string_view name) {
  for (std::size_t at = line.find(name); at != line.npos; at = line.find(name, at + 1)) {
    if (at > 0 && line[at - 1] != ' ') continue;
    std::string_view value = line.substr(at + name.size());
    value = value.substr(0, value.find(' '));
    return value == "-" ? "" : value;
  }
  return "";
}

// The client stands before its identity and its user; a user's name may have spaces.
std::string_view client_of(std::string_view before_time) {
  const std::string_view first = take_word(before_time);
  const std::string_view second = take_word(before_time);
  const bool has_host = second != "-" && first.find(':') != first.npos && !second.empty() &&
                        (second.find('.') != second.npos || second.find(':') != second.npos);
  return has_host ? second : first;
}

std::optional<int> number_in(std::string_view text, int least, int most) {
  const auto number = whole_number<int>(text);
  return number && *number >= least && *number <= most ? number : std::nullopt;
}

}  // namespace

std::optional<std::int64_t> parse_log_time(std::string_view text) {
  if (text.size() != 26 || text[2] != '/' || text[6] != '/' || text[11] != ':' || text[14] != ':' ||
      text[17] != ':' || text[20] != ' ' || (text[21] != '+' && text[21] != '-'))
    return std::nullopt;
  const auto month = std::find(kMonths.begin(), kMonths.end(), text.substr(3, 3));
  const auto day = number_in(text.substr(0, 2), 1, 31),
             year = number_in(text.substr(7, 4), 1970, 9999);
  const auto hour = number_in(text.substr(12, 2), 0, 23);
  const auto minute = number_in(text.substr(15, 2), 0, 59);
  const auto second = number_in(text.substr(18, 2), 0, 60);
  const auto off_hours = number_in(text.substr(22, 2), 0, 14);
  const auto off_minutes = number_in(text.substr(24, 2), 0, 59);
  if (month == kMonths.end() || !day || !year || !hour || !minute || !second || !off_hours ||
      !off_minutes)
    return std::nullopt;
  const std::chrono::year_month_day date{
      std::chrono::year(*year),
      std::chrono::month(static_cast<unsigned>(month - kMonths.begin() + 1)),
      std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  const std::int64_t local_s =
      std::chrono::sys_days(date).time_since_epoch().count() * std::int64_t{86400} + *hour * 3600 +
      *minute * 60 + *second;
  const std::int64_t offset_s = *off_hours * 3600 + *off_minutes * 60;
  return local_s - (text[21] == '-' ? -offset_s : offset_s);
}

std::optional<AccessLine> parse_access_line(std::string_view text) {
  AccessLine line;
  const std::size_t open = text.find(" [");
  if (open == text.npos) return std::nullopt;
  line.client = client_of(text.substr(0, open));
  text.remove_prefix(open + 2);
  const std::size_t close = text.find("] ");
  const auto time_s = close == text.npos ? std::nullopt : parse_log_time(text.substr(0, close));
  if (!time_s) return std::nullopt;
  line.time_s = *time_s;
  text.remove_prefix(close + 2);
  const std::optional<std::string> request = take_quoted(text);
  if (!request || !read_request(*request, line)) return std::nullopt;
  const auto status = number_in(take_word(text), 100, 999);
  if (!status) return std::nullopt;
  line.status = *status;
  line.bytes = std::max<std::int64_t>(0, whole_number<std::int64_t>(take_word(text)).value_or(0));
  // The last quote ends what clients send, who could name a mirror there.
  if (const std::size_t quote = text.rfind('"'); quote != text.npos) text.remove_prefix(quote + 1);
  line.mirror = value_of(text, "mirror=");
  line.country = value_of(text, "country=");
  line.size_bytes =
      std::max<std::int64_t>(0, whole_number<std::int64_t>(value_of(text, "size=")).value_or(0));
  return line;
}

}  // namespace mirror
