#include "tools/mb/mirrors/record.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/path.h"
#include "rank/may_serve.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

std::string option_name(const char* column) {
  std::string name = column;
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

nlohmann::json list_json(const std::string& text) {
  auto list = nlohmann::json::array();
  std::size_t start = 0;
  while (start < text.size()) {
    const std::size_t comma = std::min(text.find(',', start), text.size());
    list.push_back(text.substr(start, comma - start));
    start = comma + 1;
  }
  return list;
}

// Numbers and booleans as such; null if nothing is known.
nlohmann::json value_json(const std::string& text, db::ColumnShape shape) {
  switch (shape) {
    case db::ColumnShape::boolean:
      return text == "yes";
    case db::ColumnShape::list:
      return list_json(text);
    case db::ColumnShape::number:
      return nlohmann::json::parse(text, nullptr, false);
    case db::ColumnShape::text:
      break;
  }
  return text;
}

}  // namespace

ColumnOptions::ColumnOptions(cli::Options& app) {
  for (const db::MirrorColumn& column : db::mirror_columns()) {
    Entry& entry = *entries_.emplace_back(std::make_unique<Entry>());
    entry.column = &column;
    const std::string name = option_name(column.name);
    if (column.shape == db::ColumnShape::boolean) {
      entry.option = app.add_flag(fmt::format("--{0},!--no-{0}", name), entry.flag, column.help);
    } else {
      entry.option =
          app.add_option("--" + name, entry.text, column.help)->type_name(column.placeholder);
    }
    entry.option->group("Columns");
  }
}

bool ColumnOptions::given(const char* column) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const auto& entry) {
    return std::string_view(entry->column->name) == column && entry->option->count() > 0;
  });
}

std::vector<db::Change> ColumnOptions::changes() const {
  std::vector<db::Change> changes;
  for (const auto& entry : entries_) {
    if (entry->option->count() == 0) continue;
    const bool boolean = entry->column->shape == db::ColumnShape::boolean;
    changes.emplace_back(entry->column->name,
                         boolean ? entry->flag ? "true" : "false" : entry->text);
  }
  return changes;
}

std::string ColumnOptions::value(const char* column) const {
  for (const auto& change : changes()) {
    if (change.first == column) return change.second;
  }
  return "";
}

void add_region(std::vector<db::Change>& changes) {
  std::string_view given;
  for (const auto& [column, value] : changes) {
    if (column == "region") return;
    if (column == "country") given = value;
  }
  const auto country = CountryCode::parse(given);
  if (!country || region_of(*country) == Region::unknown) return;
  changes.emplace_back("region", region_code(region_of(*country)));
}

std::string country_fault(std::string_view code) {
  const auto country = CountryCode::parse(code);
  if (!country) return fmt::format("'{}' is no code of two letters", printable(code));
  if (country->everyone() || !name_of(*country).empty()) return "";
  return fmt::format("no country has the code {} in ISO 3166-1{}", country->text(),
                     country->text() == "UK" ? ", did you mean GB?" : "");
}

void complain_of_countries(const ColumnOptions& given) {
  for (const char* column : {"country", "other_countries", "excluded_countries"}) {
    for (const auto& code : list_json(given.value(column))) {
      const std::string fault = country_fault(code.get<std::string>());
      if (!fault.empty()) complain(fmt::format("{}: {}: no client will be there", column, fault));
    }
  }
}

nlohmann::json to_json(const db::MirrorRecord& record) {
  const Mirror& mirror = record.mirror;
  nlohmann::json json = {{"id", mirror.id},
                         {"identifier", mirror.identifier},
                         {"enabled", mirror.enabled},
                         {"online", mirror.online},
                         {"down", mirror.down.texts()},
                         {"down_reason", mirror.down_reason},
                         {"standing", standing_name(mirror.standing)},
                         {"standing_reason", mirror.standing_reason}};
  for (const db::MirrorColumn& column : db::mirror_columns()) {
    const nlohmann::json value = value_json(db::column_text(record, column), column.shape);
    json[column.name] = value.is_discarded() ? nlohmann::json() : value;
  }
  json["prefixes"] = nlohmann::json::array();
  for (const Prefix& prefix : mirror.prefixes) json["prefixes"].push_back(prefix.text());
  json["served_as"] = mirror.served_as;
  json["keeps_times"] = record.keeps_times;
  json["keeps_times_share"] =
      record.keeps_times_share ? nlohmann::json(*record.keeps_times_share) : nlohmann::json();
  json["time_offset_s"] = record.time_offset_s;
  json["last_scan"] = time_json(record.last_scan_s);
  return json;
}

nlohmann::json settings_json(const db::MirrorRecord& record) {
  const nlohmann::json all = to_json(record);
  nlohmann::json json = {{"identifier", all["identifier"]},
                         {"prefixes", all["prefixes"]},
                         {"served_as", all["served_as"]}};
  for (const db::MirrorColumn& column : db::mirror_columns()) json[column.name] = all[column.name];
  return json;
}

nlohmann::json comments_json(const std::vector<db::Comment>& comments) {
  auto list = nlohmann::json::array();
  for (const db::Comment& comment : comments)
    list.push_back({{"at", rfc3339(comment.at_s)}, {"by", comment.by}, {"text", comment.text}});
  return list;
}

void say_comments(const std::vector<db::Comment>& comments, const std::string& indent) {
  Table table({{"AT"}, {"BY"}, {"COMMENT"}}, indent);
  for (const db::Comment& comment : comments)
    table.add({utc_minute(comment.at_s), comment.by, comment.text});
  table.say();
}

std::string served_first(const Mirror& mirror, std::string_view between) {
  std::vector<std::string> served;
  for (const Prefix& prefix : mirror.prefixes) served.push_back(prefix.text());
  for (const AsNumber asn : mirror.served_as) served.push_back(as_text(asn));
  return fmt::format("{}", fmt::join(served, between));
}

std::string state_text(const Mirror& mirror) {
  const auto reason = serves_nobody(mirror);
  if (reason) return std::string(reject_text(*reason));
  return mirror.down.empty() ? "enabled" : "partly down";
}

}  // namespace mirror::mb
