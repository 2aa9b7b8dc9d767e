// The one list of a mirror's columns: how each is called, read, written and shown.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/address.h"
#include "core/path.h"
#include "core/url.h"
#include "db/mirror/mirror_fields.h"

namespace mirror::db {
namespace {

std::string yes_no(bool value) { return value ? "yes" : "no"; }

template <typename Items, typename Text>
std::string joined(const Items& items, Text text) {
  std::string out;
  for (const auto& item : items) {
    if (!out.empty()) out += ',';
    out += text(item);
  }
  return out;
}

std::string codes(const std::vector<CountryCode>& countries) {
  return joined(countries, [](CountryCode country) { return std::string(country.text()); });
}

std::string number_or_empty(std::int64_t value) { return value ? std::to_string(value) : ""; }

using Record = MirrorRecord;

const std::vector<MirrorField>& fields() {
  using T = ColumnType;
  static const std::vector<MirrorField> list = {
      {{"http_url", T::http_url, "base URL for http clients"},
       [](const Record& r) { return r.mirror.http_url; }},
      {{"https_url", T::https_url, "base URL for https clients"},
       [](const Record& r) { return r.mirror.https_url; }},
      {{"rsync_url", T::rsync_url, "URL to scan with rsync"},
       [](const Record& r) { return r.rsync_url; }},
      {{"ftp_url", T::ftp_url, "where people find it by FTP; for information"},
       [](const Record& r) { return r.ftp_url; }},
      {{"strip_prefix", T::text, "path cut from the front of listed names"},
       [](const Record& r) { return r.strip_prefix; }},
      {{"add_prefix", T::text, "path put before listed names"},
       [](const Record& r) { return r.add_prefix; }},
      {{"rsync_options", T::list, "further options for rsync"},
       [](const Record& r) {
         return joined(r.rsync_options, [](const std::string& option) { return option; });
       }},
      {{"enabled", T::boolean, "takes redirects"},
       [](const Record& r) { return yes_no(r.mirror.enabled); }},
      {{"online", T::boolean, "answers, as far as is known"},
       [](const Record& r) { return yes_no(r.mirror.online); }},
      {{"weight", T::weight, "share of redirects, 0 for none, 100 is normal"},
       [](const Record& r) { return std::to_string(r.mirror.weight); }},
      {{"country", T::country, "ISO 3166-1 code, or ** for every country"},
       [](const Record& r) { return std::string(r.mirror.country.text()); }},
      {{"region", T::region, "continent: AF AN AS EU NA OC SA"},
       [](const Record& r) { return std::string(region_code(r.mirror.region)); }},
      {{"subdivision", T::text, "ISO 3166-2 code without the country"},
       [](const Record& r) { return r.subdivision; }},
      {{"latitude", T::latitude, "degrees, north positive"},
       [](const Record& r) {
         return r.mirror.place ? fmt::format("{}", r.mirror.place->latitude) : std::string();
       }},
      {{"longitude", T::longitude, "degrees, east positive"},
       [](const Record& r) {
         return r.mirror.place ? fmt::format("{}", r.mirror.place->longitude) : std::string();
       }},
      {{"asn", T::asn, "number of its AS"},
       [](const Record& r) { return number_or_empty(r.mirror.asn); }},
      {{"prefix_only", T::boolean, "only for clients in its prefixes"},
       [](const Record& r) { return yes_no(r.mirror.prefix_only); }},
      {{"as_only", T::boolean, "only for clients of its AS"},
       [](const Record& r) { return yes_no(r.mirror.as_only); }},
      {{"country_only", T::boolean, "only for clients of its country"},
       [](const Record& r) { return yes_no(r.mirror.country_only); }},
      {{"region_only", T::boolean, "only for clients of its region"},
       [](const Record& r) { return yes_no(r.mirror.region_only); }},
      {{"other_countries", T::countries, "countries without a mirror of their own that it serves"},
       [](const Record& r) { return codes(r.mirror.other_countries); }},
      {{"excluded_countries", T::countries, "countries that it never serves"},
       [](const Record& r) { return codes(r.mirror.excluded_countries); }},
      {{"ipv4", T::boolean, "has IPv4 addresses"},
       [](const Record& r) { return yes_no(r.mirror.ipv4); }},
      {{"ipv6", T::boolean, "has IPv6 addresses"},
       [](const Record& r) { return yes_no(r.mirror.ipv6); }},
      {{"file_maxsize", T::size,
        "larger files go to other mirrors where there are any; 0: no limit"},
       [](const Record& r) { return std::to_string(r.mirror.file_maxsize); }},
      {{"operator_name", T::text, "who runs it"},
       [](const Record& r) { return r.mirror.operator_name; }},
      {{"operator_url", T::page_url, "the operator's page"},
       [](const Record& r) { return r.mirror.operator_url; }},
      {{"admin_name", T::text, "whom to ask (not public)"},
       [](const Record& r) { return r.admin_name; }},
      {{"admin_email", T::text, "where to ask (not public)"},
       [](const Record& r) { return r.admin_email; }},
      {{"public_note", T::text, "note for everyone"},
       [](const Record& r) { return r.public_note; }},
      {{"private_comment", T::text, "comment for admins"},
       [](const Record& r) { return r.private_comment; }},
  };
  return list;
}

[[noreturn]] void refuse(const MirrorColumn& column, std::string_view value, const char* expected) {
  throw Error(fmt::format("{}: '{}' is not {}", column.name, value, expected), "22023");
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

std::int64_t whole_number(const MirrorColumn& column, std::string_view value) {
  std::int64_t number = 0;
  const auto [end, fault] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (fault != std::errc() || end != value.data() + value.size())
    refuse(column, value, "a whole number");
  return number;
}

std::int64_t byte_count(const MirrorColumn& column, std::string_view value) {
  static constexpr std::string_view kUnits = "KMGT";
  const std::size_t unit = value.empty() ? std::string_view::npos
                                         : kUnits.find(upper(value.substr(value.size() - 1))[0]);
  if (unit == std::string_view::npos) return whole_number(column, value);
  const std::int64_t number = whole_number(column, value.substr(0, value.size() - 1));
  const int shift = 10 * (static_cast<int>(unit) + 1);
  if (number < 0 || number > INT64_MAX >> shift) refuse(column, value, "a size that can be");
  return number << shift;
}

bool truth(const MirrorColumn& column, std::string_view value) {
  const std::string word = upper(value);
  for (const char* yes : {"YES", "TRUE", "ON", "1"}) {
    if (word == yes) return true;
  }
  for (const char* no : {"NO", "FALSE", "OFF", "0"}) {
    if (word == no) return false;
  }
  refuse(column, value, "yes or no");
}

double degrees(const MirrorColumn& column, std::string_view value) {
  double number = 0;
  const auto [end, fault] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (fault != std::errc() || end != value.data() + value.size())
    refuse(column, value, "a number of degrees");
  return number;
}

UrlKind url_kind(ColumnType type) {
  switch (type) {
    case ColumnType::http_url:
      return UrlKind::http_base;
    case ColumnType::https_url:
      return UrlKind::https_base;
    case ColumnType::rsync_url:
      return UrlKind::rsync;
    case ColumnType::ftp_url:
      return UrlKind::ftp_base;
    default:
      return UrlKind::page;
  }
}

// The database would refuse a bad one too, without saying what is wrong with it.
std::string url_value(const MirrorColumn& column, std::string_view value) {
  std::string url(value);
  if (url.empty()) return url;
  const UrlKind kind = url_kind(column.type);
  if (kind != UrlKind::page && !url.ends_with('/')) url += '/';
  if (const UrlFault fault = check_url(url, kind))
    throw Error(
        fmt::format("{}: '{}' cannot be used: {}", column.name, printable(value), fault.text()),
        "22023");
  return url;
}

std::vector<std::string> list_items(std::string_view value) {
  std::vector<std::string> items;
  while (!value.empty()) {
    const std::size_t comma = std::min(value.find(','), value.size());
    std::string_view item = value.substr(0, comma);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    if (!item.empty()) items.emplace_back(item);
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
  return items;
}

}  // namespace

const std::vector<MirrorColumn>& mirror_columns() {
  static const std::vector<MirrorColumn> columns = [] {
    std::vector<MirrorColumn> list;
    for (const MirrorField& field : fields()) list.push_back(field.column);
    return list;
  }();
  return columns;
}

const MirrorField* find_field(std::string_view name) {
  for (const MirrorField& field : fields()) {
    if (name == field.column.name) return &field;
  }
  return nullptr;
}

std::string column_text(const MirrorRecord& record, const MirrorColumn& column) {
  const MirrorField* field = find_field(column.name);
  return field ? field->text(record) : "";
}

void bind_value(Params& params, const MirrorColumn& column, std::string_view value) {
  switch (column.type) {
    case ColumnType::text:
      params.text(value);
      return;
    case ColumnType::http_url:
    case ColumnType::https_url:
    case ColumnType::rsync_url:
    case ColumnType::ftp_url:
    case ColumnType::page_url:
      params.text(url_value(column, value));
      return;
    case ColumnType::country:
    case ColumnType::region:
      params.text(upper(value));
      return;
    case ColumnType::integer:
    case ColumnType::weight: {
      const std::int64_t number = whole_number(column, value);
      if (number < INT32_MIN || number > INT32_MAX) refuse(column, value, "a number in range");
      params.int4(static_cast<std::int32_t>(number));
      return;
    }
    case ColumnType::boolean:
      params.boolean(truth(column, value));
      return;
    case ColumnType::latitude:
    case ColumnType::longitude:
      if (value.empty())
        params.null();
      else
        params.float8(degrees(column, value));
      return;
    case ColumnType::asn: {
      if (value.starts_with("AS") || value.starts_with("as")) value.remove_prefix(2);
      params.int8(value.empty() ? 0 : whole_number(column, value));
      return;
    }
    case ColumnType::size:
      params.int8(value.empty() ? 0 : byte_count(column, value));
      return;
    case ColumnType::countries:
      params.text_array(list_items(upper(value)));
      return;
    case ColumnType::list:
      params.text_array(list_items(value));
      return;
  }
}

}  // namespace mirror::db
