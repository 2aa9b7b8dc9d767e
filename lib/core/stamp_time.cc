#include "core/stamp_time.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>

#include "core/ascii.h"
#include "core/http_date.h"

namespace mirror {
namespace {

constexpr std::size_t kMaxLineBytes = 200;
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

// The line without blanks, a byte order mark and a return around it.
std::string_view first_line(std::string_view text) {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  if (text.starts_with(kMark)) text.remove_prefix(kMark.size());
  return without_blanks(text.substr(0, text.find('\n')));
}

// Takes the first `count` digits off; -1, and nothing taken, if there are fewer.
int take_digits(std::string_view& text, std::size_t count) {
  int value = -1;
  if (text.size() >= count && is_number(text.substr(0, count))) {
    std::from_chars(text.data(), text.data() + count, value);
    text.remove_prefix(count);
  }
  return value;
}

bool take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

// ".25"; false for a point without digits.
bool take_fraction(std::string_view& text) {
  if (!take(text, ".")) return true;
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  text.remove_prefix(digits);
  return digits > 0;
}

struct Moment {
  int year = -1, month = -1, day = -1, hour = -1, minute = -1, second = 0;
  std::optional<int> offset_s;  // of the time zone

  std::optional<std::int64_t> time_s() const {
    using namespace std::chrono;
    const year_month_day date{std::chrono::year(year), std::chrono::month(unsigned(month)),
                              std::chrono::day(unsigned(day))};
    const bool valid = year >= 0 && month >= 0 && day >= 0 && date.ok() && hour >= 0 &&
                       hour <= 23 && minute >= 0 && minute <= 59 && second <= 60 && offset_s;
    if (!valid) return std::nullopt;
    const std::int64_t time_s = sys_days(date).time_since_epoch().count() * 86400LL +
                                hour * 3600LL + minute * 60LL + second - *offset_s;
    return time_s >= 0 ? std::optional(time_s) : std::nullopt;
  }
};

std::optional<int> zone_offset_s(std::string_view zone) {
  if (zone == "UTC" || zone == "GMT" || zone == "UT" || zone == "Z" || zone == "z") return 0;
  const bool west = zone.starts_with('-');
  if (!west && !zone.starts_with('+')) return std::nullopt;
  zone.remove_prefix(1);
  const int hours = take_digits(zone, 2);
  take(zone, ":");
  const int minutes = take_digits(zone, 2);
  if (!zone.empty() || hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return std::nullopt;
  return (west ? -1 : 1) * (hours * 3600 + minutes * 60);
}

// 18:00, 18:00:01, 6:00:01, 18:00:01.25
bool take_clock(std::string_view& text, Moment& moment) {
  const bool short_hour = text.size() > 1 && text[1] == ':';
  moment.hour = take_digits(text, short_hour ? 1 : 2);
  if (moment.hour < 0 || !take(text, ":")) return false;
  moment.minute = take_digits(text, 2);
  if (moment.minute < 0 || !take(text, ":")) return moment.minute >= 0;
  moment.second = take_digits(text, 2);
  return moment.second >= 0 && take_fraction(text);
}

std::optional<std::int64_t> parse_unix_time(std::string_view text) {
  constexpr std::size_t kMilliseconds = 13;
  const std::string_view whole = text.substr(0, text.find('.'));
  std::string_view rest = text.substr(whole.size());
  const bool seconds = whole.size() == 9 || whole.size() == 10;
  if (!is_number(whole) || (!seconds && whole.size() != kMilliseconds)) return std::nullopt;
  if (!take_fraction(rest) || !rest.empty()) return std::nullopt;
  std::int64_t value = 0;
  std::from_chars(whole.data(), whole.data() + whole.size(), value);
  return seconds ? value : value / 1000;
}

std::optional<std::int64_t> parse_rfc3339(std::string_view text) {
  Moment moment;
  moment.year = take_digits(text, 4);
  if (!take(text, "-")) return std::nullopt;
  moment.month = take_digits(text, 2);
  if (!take(text, "-")) return std::nullopt;
  moment.day = take_digits(text, 2);
  if (!take(text, "T") && !take(text, "t") && !take(text, " ")) return std::nullopt;
  if (!take_clock(text, moment)) return std::nullopt;
  take(text, " ");
  moment.offset_s = zone_offset_s(text);
  return moment.time_s();
}

// Whole names too.
template <std::size_t N>
int index_of(const std::array<std::string_view, N>& names, std::string_view word) {
  const auto found = std::find(names.begin(), names.end(), word.substr(0, 3));
  return found == names.end() ? -1 : static_cast<int>(found - names.begin());
}

// A date of words, which come in many orders; each kind of them just once.
class Words {
 public:
  std::optional<std::int64_t> parse(std::string_view text) {
    for (; !text.empty();) {
      const std::size_t end = std::min(text.find_first_of(" ,"), text.size());
      if (end > 0 && !take_word(text.substr(0, end))) return std::nullopt;
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (half_ == Half::none) return moment_.time_s();
    if (moment_.hour < 1 || moment_.hour > 12) return std::nullopt;
    moment_.hour = moment_.hour % 12 + (half_ == Half::pm ? 12 : 0);
    return moment_.time_s();
  }

 private:
  enum class Half : std::uint8_t { none, am, pm };

  bool take_word(std::string_view word) {
    if (word.front() == '(') return moment_.offset_s && word.back() == ')';  // RFC 2822: (UTC)
    if (word.find(':') != word.npos && is_digit(word.front()))
      return moment_.hour < 0 && take_clock(word, moment_) && word.empty();
    if (is_number(word)) return take_number(word);
    if (word == "AM" || word == "PM") {
      const bool first = half_ == Half::none;
      half_ = word == "AM" ? Half::am : Half::pm;
      return first;
    }
    if (const auto offset_s = zone_offset_s(word)) {
      const bool first = !moment_.offset_s;
      moment_.offset_s = offset_s;
      return first;
    }
    if (const int month = index_of(kMonths, word); month >= 0) {
      const bool first = moment_.month < 0;
      moment_.month = month + 1;
      return first;
    }
    return index_of(kDays, word) >= 0;
  }

  bool take_number(std::string_view word) {
    int& into = word.size() == 4 ? moment_.year : moment_.day;
    if (into >= 0 || (word.size() != 4 && word.size() > 2)) return false;
    into = take_digits(word, word.size());
    return true;
  }

  Moment moment_;
  Half half_ = Half::none;
};

}  // namespace

std::optional<std::int64_t> parse_stamp(std::string_view text) {
  const std::string_view line = first_line(text);
  if (line.empty() || line.size() > kMaxLineBytes) return std::nullopt;
  if (const auto time_s = parse_unix_time(line)) return time_s;
  if (const auto time_s = parse_rfc3339(line)) return time_s;
  if (const std::int64_t time_s = parse_http_date(line); time_s >= 0) return time_s;
  return Words().parse(line);
}

}  // namespace mirror
