#include "core/logged_answer.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "core/number.h"

namespace mirror {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Takes the text between quotes off the line, with both of them; httpd escapes those inside.
bool skip_quoted(std::string_view& line) {
  if (!line.starts_with('"')) return false;
  for (std::size_t i = 1; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '"') {
      line.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return word;
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

std::optional<LoggedAnswer> parse_logged_answer(std::string_view text) {
  LoggedAnswer answer;
  const std::size_t open = text.find(" [");
  if (open == text.npos) return std::nullopt;
  text.remove_prefix(open + 2);
  const std::size_t close = text.find("] ");
  const auto time_s = close == text.npos ? std::nullopt : parse_log_time(text.substr(0, close));
  if (!time_s) return std::nullopt;
  answer.time_s = *time_s;
  text.remove_prefix(close + 2);
  if (!skip_quoted(text)) return std::nullopt;
  const auto status = number_in(take_word(text), 100, 999);
  if (!status) return std::nullopt;
  answer.status = *status;
  const auto at_least_0 = [](std::string_view word) {
    return std::max<std::int64_t>(0, whole_number<std::int64_t>(word).value_or(0));
  };
  answer.bytes = at_least_0(take_word(text));
  // The last quote ends what clients send, who could name a mirror there.
  if (const std::size_t quote = text.rfind('"'); quote != text.npos) text.remove_prefix(quote + 1);
  answer.mirror = value_of(text, "mirror=");
  answer.country = value_of(text, "country=");
  answer.size_bytes = at_least_0(value_of(text, "size="));
  return answer;
}

}  // namespace mirror
