#include "tools/mb/mirrors/condition.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>

#include "core/ascii.h"
#include "core/nearest.h"
#include "core/number.h"
#include "tools/mb/context.h"

namespace mirror::mb {
namespace {

using Record = db::MirrorRecord;

std::string as_digits(std::string_view value) {
  if (value.starts_with("AS") || value.starts_with("as")) value.remove_prefix(2);
  return std::string(value);
}

bool is_as(const std::string& value) {
  return whole_number<AsNumber>(as_digits(value)).has_value();
}

bool is_country(const std::string& value) {
  return value.empty() || CountryCode::parse(upper(value)).has_value();
}

bool is_region(const std::string& value) {
  return value.empty() || parse_region(value).has_value();
}

bool has_scheme(const Record& record, const std::string& scheme) {
  const std::string& url = scheme == "http"    ? record.mirror.http_url
                           : scheme == "https" ? record.mirror.https_url
                                               : record.ftp_url;
  return !url.empty();
}

bool is_one_of(const std::string& value, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), value) != words.end();
}

// A key that is no column, or whose values are not taken as they are.
struct Key {
  const char* name;
  bool (*may_be)(const std::string& value);
  const char* possible;  // in words
  bool (*has)(const Record& record, const std::string& value);
};

constexpr Key kKeys[] = {
    {"name", [](const std::string& value) { return !value.empty(); },
     "a pattern like *.example.org",
     [](const Record& record, const std::string& value) {
       return ::fnmatch(value.c_str(), record.mirror.identifier.c_str(), 0) == 0;
     }},
    {"country", is_country, "a code of two letters, or empty",
     [](const Record& record, const std::string& value) {
       return record.mirror.country.text() == upper(value);
     }},
    {"region", is_region, "AF, AN, AS, EU, NA, OC, SA or empty",
     [](const Record& record, const std::string& value) {
       return region_code(record.mirror.region) == upper(value);
     }},
    {"as", is_as, "a number like AS64496",
     [](const Record& record, const std::string& value) {
       return std::to_string(record.mirror.asn) == as_digits(value);
     }},
    {"standing", [](const std::string& value) { return parse_standing(value).has_value(); },
     "good, stale, wrong or returning",
     [](const Record& record, const std::string& value) {
       return standing_name(record.mirror.standing) == value;
     }},
    {"scheme",
     [](const std::string& value) {
       return is_one_of(value, {"http", "https", "ftp"});
     },
     "http, https or ftp", has_scheme},
    {"method",
     [](const std::string& value) {
       return is_one_of(value, {"rsync", "s3", "http", "ftp", "head"});
     },
     "rsync, s3, http, ftp or head",
     [](const Record& record, const std::string& value) {
       const db::Endpoint* const endpoint = record.endpoint(value);
       return endpoint != nullptr && !endpoint->url.empty();
     }},
};

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> values;
  for (;;) {
    const std::size_t comma = text.find(',');
    values.emplace_back(text.substr(0, comma));
    if (comma == text.npos) return values;
    text.remove_prefix(comma + 1);
  }
}

std::string as_truth(const std::string& value) {
  if (is_one_of(value, {"yes", "true", "on", "1"})) return "yes";
  if (is_one_of(value, {"no", "false", "off", "0"})) return "no";
  return "";
}

[[noreturn]] void complain_of_key(std::string_view key) {
  std::vector<std::string> known;
  for (const Key& one : kKeys) known.emplace_back(one.name);
  for (const db::MirrorColumn& column : db::mirror_columns()) known.emplace_back(column.name);
  throw UsageError(fmt::format("--where: there is no key '{}'{}", key, did_you_mean(key, known)));
}

}  // namespace

Condition::Condition(std::string_view text) {
  const std::size_t equals = text.find('=');
  negated_ = equals != text.npos && equals > 0 && text[equals - 1] == '!';
  if (equals == text.npos || equals - negated_ == 0)
    throw UsageError(fmt::format("--where: expected KEY=VALUE, not '{}'", text));
  std::string key(text.substr(0, equals - negated_));
  std::replace(key.begin(), key.end(), '-', '_');
  const std::string_view value = text.substr(equals + 1);
  for (const Key& one : kKeys) {
    if (key != one.name) continue;
    has_ = one.has;
    values_ = split(value);
    for (const std::string& each : values_) {
      if (!one.may_be(each))
        throw UsageError(fmt::format("--where: {} must be {}, not '{}'", key, one.possible, each));
    }
    return;
  }
  for (const db::MirrorColumn& column : db::mirror_columns()) {
    if (key != column.name) continue;
    const bool truth = column.shape == db::ColumnShape::boolean;
    values_ = {truth ? as_truth(std::string(value)) : std::string(value)};
    if (truth && values_.front().empty())
      throw UsageError(fmt::format("--where: {} must be yes or no, not '{}'", key, value));
    has_ = [&column](const Record& record, const std::string& wanted) {
      return db::column_text(record, column) == wanted;
    };
    return;
  }
  complain_of_key(key);
}

bool Condition::holds_for(const db::MirrorRecord& record) const {
  const bool any = std::any_of(values_.begin(), values_.end(),
                               [&](const std::string& value) { return has_(record, value); });
  return any != negated_;
}

}  // namespace mirror::mb
