#include "scanner/web/listed_values.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>

namespace mirror::scanner::web {
namespace {

constexpr double kMostBytes = 9e18;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// A number as printed: 1.25 has two decimals.
struct Printed {
  double value = 0;
  int decimals = 0;
  bool plain = true;  // digits only: `whole` is the number
  std::int64_t whole = 0;
  std::size_t length = 0;
};

std::optional<Printed> read_number(std::string_view text) {
  Printed number;
  std::string digits;
  bool point = false;
  for (const char c : text) {
    if (is_digit(c)) {
      digits += c;
      number.decimals += point ? 1 : 0;
    } else if (c == '.' && !point) {
      digits += c;
      point = true;
    } else if (c != ',') {
      break;
    }
    ++number.length;
  }
  if (digits.empty() || !is_digit(digits[0]) || digits.size() > 19) return std::nullopt;
  number.plain = !point;
  number.value = std::strtod(digits.c_str(), nullptr);
  if (number.plain) {
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number.whole);
    if (error != std::errc()) return std::nullopt;
  }
  return number;
}

// 1 for K, 2 for M; 0 for bytes; nullopt: this is no unit.
std::optional<int> read_unit(std::string_view text) {
  constexpr std::string_view kUnits = "kmgtpe";
  while (text.starts_with(' ') || text.starts_with("\xa0")) text.remove_prefix(1);
  if (text.empty()) return 0;
  const std::size_t at = kUnits.find(lower(text[0]));
  std::size_t end = 0;
  if (at != kUnits.npos) end = 1;
  if (end < text.size() && lower(text[end]) == 'i') ++end;
  if (end < text.size() && lower(text[end]) == 'b') ++end;
  const bool word_ends =
      end >= text.size() || !((lower(text[end]) >= 'a') && (lower(text[end]) <= 'z'));
  if (at == kUnits.npos) return 0;  // another word, as of a description
  return word_ends ? std::optional<int>(static_cast<int>(at) + 1) : std::nullopt;
}

ListedSize range(double low, double high) {
  const auto whole = [](double bytes) {
    return static_cast<std::int64_t>(std::clamp(bytes, 0.0, kMostBytes));
  };
  return {whole(std::floor(low)), whole(std::ceil(high))};
}

// The nearest to the last digit. Servers look at the next lower unit only, whose rest they have cut
// off before: so the range is wider by that.
ListedSize nearest(const Printed& number, double unit, double lower_unit) {
  const double step = std::pow(10, -number.decimals) * unit;
  return range((number.value * unit) - step / 2 - lower_unit,
               (number.value * unit) + step / 2 + lower_unit);
}

ListedSize lighttpd_range(const Printed& number, double unit) {
  constexpr double kTenth = 100.0 / 1024;
  const double whole = std::floor(number.value);
  const double tenths = std::round((number.value - whole) * 10);
  const double low = (whole + tenths * kTenth) * unit;
  const double high = tenths >= 9 ? (whole + 1) * unit : (whole + (tenths + 1) * kTenth) * unit;
  // Less than 100 bytes are shown as if they were 99 more.
  return range(low < 200 ? 0 : low, high);
}

ListedSize widest(const Printed& number, int power) {
  const double step = std::pow(10, -number.decimals);
  return range((number.value - step) * std::pow(1000, power),
               (number.value + step) * std::pow(1024, power));
}

}  // namespace

std::optional<ListedSize> read_size(std::string_view text, Rounding rounding) {
  const std::optional<Printed> number = read_number(text);
  if (!number) return std::nullopt;
  const std::string_view behind = text.substr(number->length);
  // Of most of the servers that are known, a word after a blank begins a description.
  const bool may_stand_apart = rounding == Rounding::unknown || rounding == Rounding::fancyindex;
  const bool no_unit =
      !may_stand_apart && (behind.empty() || behind[0] == ' ' || behind[0] == '\xa0');
  const std::optional<int> power = no_unit ? 0 : read_unit(behind);
  if (!power) return std::nullopt;
  if (*power == 0) {
    if (!number->plain) return std::nullopt;
    return ListedSize{number->whole, number->whole};
  }
  const double unit = std::pow(1024, *power);
  switch (rounding) {
    case Rounding::apache:
    case Rounding::nginx:
    case Rounding::fancyindex:
      return nearest(*number, unit, *power > 1 ? unit / 1024 : 1);
    case Rounding::lighttpd:
      return lighttpd_range(*number, unit);
    case Rounding::unknown:
      break;
  }
  return widest(*number, *power);
}

namespace {

// How times look: Y year, m month, b its name, d day, H M S, p AM or PM, w a weekday's name, z a
// zone that is told, a blank for one or more. All else stands for itself.
struct Form {
  std::string_view pattern;
  std::int64_t precision_s;
};
constexpr Form kForms[] = {{"Y-m-dTH:M:Sz", 1},    {"Y-m-d H:M:S", 1},      {"Y-m-d H:M", 60},
                           {"d-b-Y H:M:S", 1},     {"d-b-Y H:M", 60},       {"Y-b-d H:M:S", 1},
                           {"Y-b-d H:M", 60},      {"Y/m/d H:M:S", 1},      {"Y/m/d H:M", 60},
                           {"w b d H:M:S z Y", 1}, {"w, d b Y H:M:S z", 1}, {"d b Y H:M", 60},
                           {"m/d/Y H:M:S p", 1},   {"m/d/Y H:M p", 60}};

constexpr std::string_view kMonths[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                        "jul", "aug", "sep", "oct", "nov", "dec"};

class FormReader {
 public:
  explicit FormReader(std::string_view text) : rest_(text) {}

  std::optional<ListedTime> read(const Form& form) {
    for (const char c : form.pattern) {
      if (!take(c)) return std::nullopt;
    }
    if (!rest_.empty() && is_digit(rest_[0])) return std::nullopt;
    if (hour12_) {
      if (time_.tm_hour < 1 || time_.tm_hour > 12) return std::nullopt;
      time_.tm_hour = time_.tm_hour % 12 + (afternoon_ ? 12 : 0);
    }
    std::tm normal = time_;
    const std::int64_t time_s = timegm(&normal);
    if (normal.tm_mday != time_.tm_mday || normal.tm_mon != time_.tm_mon ||
        normal.tm_hour != time_.tm_hour)
      return std::nullopt;
    return ListedTime{time_s - ahead_s_, form.precision_s, utc_};
  }
  std::size_t left() const { return rest_.size(); }

 private:
  bool take(char c) {
    switch (c) {
      case 'Y':
        return number(4, 4, 1900, time_.tm_year) && (time_.tm_year -= 1900, true);
      case 'm':
        return number(1, 2, 1, time_.tm_mon) && time_.tm_mon <= 12 && (time_.tm_mon -= 1, true);
      case 'd':
        return number(1, 2, 1, time_.tm_mday) && time_.tm_mday <= 31;
      case 'H':
        return number(1, 2, 0, time_.tm_hour) && time_.tm_hour <= 24;
      case 'M':
        return number(2, 2, 0, time_.tm_min) && time_.tm_min < 60;
      case 'S':
        return number(2, 2, 0, time_.tm_sec) && time_.tm_sec <= 60;
      case 'b':
        return month();
      case 'w':
        return letters(3);
      case 'p':
        return half_of_day();
      case 'z':
        utc_ = word("Z") || word("UTC") || word("GMT") || offset();
        return utc_;
      case ' ':
        return blanks();
      default:
        return word(std::string_view(&c, 1));
    }
  }

  bool number(std::size_t least, std::size_t most, int lowest, int& into) {
    std::size_t length = 0;
    int value = 0;
    while (length < most && length < rest_.size() && is_digit(rest_[length]))
      value = value * 10 + (rest_[length++] - '0');
    if (length < least || value < lowest) return false;
    into = value;
    rest_.remove_prefix(length);
    return true;
  }

  bool month() {
    if (rest_.size() < 3) return false;
    const char name[] = {lower(rest_[0]), lower(rest_[1]), lower(rest_[2])};
    const auto* const found =
        std::find(std::begin(kMonths), std::end(kMonths), std::string_view(name, 3));
    if (found == std::end(kMonths)) return false;
    time_.tm_mon = static_cast<int>(found - std::begin(kMonths));
    rest_.remove_prefix(3);
    return true;
  }

  bool letters(std::size_t count) {
    if (rest_.size() < count) return false;
    for (std::size_t i = 0; i < count; ++i) {
      if (lower(rest_[i]) < 'a' || lower(rest_[i]) > 'z') return false;
    }
    rest_.remove_prefix(count);
    return true;
  }

  // RFC 3339 §5.6: +02:00.
  bool offset() {
    const bool behind = word("-");
    int hours = 0, minutes = 0;
    if (!behind && !word("+")) return false;
    if (!number(2, 2, 0, hours) || !word(":") || !number(2, 2, 0, minutes)) return false;
    ahead_s_ = (behind ? -60 : 60) * (60 * hours + minutes);
    return hours < 24 && minutes < 60;
  }

  bool half_of_day() {
    hour12_ = true;
    afternoon_ = word("PM") || word("pm");
    return afternoon_ || word("AM") || word("am");
  }

  bool word(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  bool blanks() {
    const std::size_t end = std::min(rest_.find_first_not_of(' '), rest_.size());
    rest_.remove_prefix(end);
    return end > 0;
  }

  std::string_view rest_;
  std::tm time_{};
  bool hour12_ = false, afternoon_ = false, utc_ = false;
  int ahead_s_ = 0;  // of UTC
};

}  // namespace

std::optional<FoundTime> find_time(std::string_view text) {
  constexpr std::size_t kFurthest = 512;  // a description may follow, of any length
  for (std::size_t at = 0; at < std::min(text.size(), kFurthest); ++at) {
    const bool begins = at == 0 || text[at - 1] == ' ';
    if (!begins || text[at] == ' ') continue;
    for (const Form& form : kForms) {
      FormReader reader(text.substr(at));
      if (const std::optional<ListedTime> time = reader.read(form))
        return FoundTime{*time, at, text.size() - reader.left()};
    }
  }
  return std::nullopt;
}

}  // namespace mirror::scanner::web
