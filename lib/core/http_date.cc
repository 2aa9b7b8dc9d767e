#include "core/http_date.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

namespace mirror {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> kLongDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// A piece of text that is read from the front; once something does not fit, it stays failed.
class DateReader {
 public:
  explicit DateReader(std::string_view text) : rest_(text) {}

  DateReader& literal(std::string_view expected) {
    ok_ = ok_ && rest_.starts_with(expected);
    if (ok_) rest_.remove_prefix(expected.size());
    return *this;
  }
  template <std::size_t N>
  DateReader& name(const std::array<std::string_view, N>& names, int& index) {
    const auto found = std::find_if(names.begin(), names.end(),
                                    [&](std::string_view name) { return rest_.starts_with(name); });
    index = static_cast<int>(found - names.begin());
    ok_ = ok_ && found != names.end();
    return ok_ ? literal(*found) : *this;
  }
  DateReader& digits(std::size_t count, int& value) {
    ok_ = ok_ && rest_.size() >= count;
    value = 0;
    for (std::size_t i = 0; ok_ && i < count; ++i) {
      ok_ = rest_[i] >= '0' && rest_[i] <= '9';
      value = value * 10 + (rest_[i] - '0');
    }
    if (ok_) rest_.remove_prefix(count);
    return *this;
  }
  bool starts_with(std::string_view expected) const { return rest_.starts_with(expected); }
  bool done() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

struct Fields {
  int weekday = 0, day = 0, month = 0, year = 0, hour = 0, minute = 0, second = 0;
};

DateReader& read_clock(DateReader& reader, Fields& f) {
  return reader.digits(2, f.hour).literal(":").digits(2, f.minute).literal(":").digits(2, f.second);
}

// Sun, 06 Nov 1994 08:49:37 GMT
bool read_imf_fixdate(std::string_view text, Fields& f) {
  DateReader reader(text);
  reader.name(kDays, f.weekday)
      .literal(", ")
      .digits(2, f.day)
      .literal(" ")
      .name(kMonths, f.month)
      .literal(" ");
  reader.digits(4, f.year).literal(" ");
  return read_clock(reader, f).literal(" GMT").done();
}

// Sunday, 06-Nov-94 08:49:37 GMT. The century is fixed rather than relative to now, since nothing
// here knows the time.
bool read_rfc850_date(std::string_view text, Fields& f) {
  DateReader reader(text);
  reader.name(kLongDays, f.weekday)
      .literal(", ")
      .digits(2, f.day)
      .literal("-")
      .name(kMonths, f.month)
      .literal("-");
  reader.digits(2, f.year).literal(" ");
  f.year += f.year < 70 ? 2000 : 1900;
  return read_clock(reader, f).literal(" GMT").done();
}

// Sun Nov  6 08:49:37 1994
bool read_asctime_date(std::string_view text, Fields& f) {
  DateReader reader(text);
  reader.name(kDays, f.weekday).literal(" ").name(kMonths, f.month).literal(" ");
  if (reader.starts_with(" ")) {
    reader.literal(" ").digits(1, f.day);
  } else {
    reader.digits(2, f.day);
  }
  reader.literal(" ");
  return read_clock(reader, f).literal(" ").digits(4, f.year).done();
}

// A Unix time in UTC, within the years that four digits hold.
struct Calendar {
  explicit Calendar(std::int64_t time_s) {
    using namespace std::chrono;
    const sys_seconds time{seconds(std::clamp<std::int64_t>(time_s, 0, 253'402'300'799))};
    const auto day = floor<days>(time);
    const hh_mm_ss since_midnight(time - day);
    date = year_month_day(day);
    weekday = std::chrono::weekday(day).c_encoding();
    clock = fmt::format("{:02}:{:02}:{:02}", since_midnight.hours().count(),
                        since_midnight.minutes().count(), since_midnight.seconds().count());
  }
  std::chrono::year_month_day date;
  unsigned weekday;
  std::string clock;
};

}  // namespace

std::string http_date(std::int64_t time_s) {
  const Calendar at(time_s);
  return fmt::format("{}, {:02} {} {:04} {} GMT", kDays[at.weekday], unsigned(at.date.day()),
                     kMonths[unsigned(at.date.month()) - 1], int(at.date.year()), at.clock);
}

std::string utc_timestamp(std::int64_t time_s) {
  const Calendar at(time_s);
  return fmt::format("{:04}-{:02}-{:02}T{}Z", int(at.date.year()), unsigned(at.date.month()),
                     unsigned(at.date.day()), at.clock);
}

std::int64_t parse_http_date(std::string_view text) {
  Fields f;
  if (!read_imf_fixdate(text, f) && !read_rfc850_date(text, f) && !read_asctime_date(text, f))
    return -1;
  using namespace std::chrono;
  const year_month_day date{year(f.year), month(f.month + 1), day(f.day)};
  if (!date.ok() || f.hour > 23 || f.minute > 59 || f.second > 60) return -1;  // 60: a leap second
  const sys_seconds time = sys_days(date) + hours(f.hour) + minutes(f.minute) + seconds(f.second);
  return std::max<std::int64_t>(time.time_since_epoch().count(), -1);
}

}  // namespace mirror
