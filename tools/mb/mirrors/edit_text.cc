#include "tools/mb/mirrors/edit_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "moving/formats.h"

namespace mirror::mb {
namespace {

using nlohmann::json;

constexpr int kDeepest = 4;
constexpr std::string_view kLists[] = {"prefixes", "served_as"};

std::string line_of(std::string_view name, const json& value, std::string_view help) {
  return fmt::format("  // {}\n  {}: {}", help, json(name).dump(), value.dump());
}

std::string help_of(const db::MirrorColumn& column) {
  switch (column.shape) {
    case db::ColumnShape::boolean:
      return fmt::format("true or false: {}", column.help);
    case db::ColumnShape::list:
      return fmt::format("a list: {}", column.help);
    default:
      return column.help;
  }
}

moving::MovedMirror moved(const json& settings) {
  try {
    return std::move(moving::read_json(json::array({settings}).dump()).mirrors.front());
  } catch (const moving::FormatError& error) {
    throw TextFault(error.what());
  }
}

// The lists of one mirror in a form that can be compared.
std::vector<std::string> served(const json& settings) {
  json lists = {{"identifier", "x"}};
  for (const std::string_view name : kLists) {
    if (settings.contains(name)) lists[std::string(name)] = settings[std::string(name)];
  }
  std::vector<std::string> texts = moved(lists).serves_first;
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return texts;
}

std::vector<std::string> less(const std::vector<std::string>& these,
                              const std::vector<std::string>& those) {
  std::vector<std::string> left;
  std::set_difference(these.begin(), these.end(), those.begin(), those.end(),
                      std::back_inserter(left));
  return left;
}

// "parse error at line 3, column 5: …" of the parser's message.
std::string parse_fault(std::string_view message) {
  const std::size_t start = message.find("line ");
  return std::string(start == message.npos ? message : message.substr(start));
}

}  // namespace

std::string edit_text(const json& settings) {
  std::string text =
      "// One mirror's settings. Lines that begin with // are comments. A setting whose line you\n"
      "// delete stays as it is; \"\", 0 and [] clear one. Save the file and leave the "
      "editor.\n{\n";
  text += line_of("identifier", settings["identifier"], "its name");
  for (const db::MirrorColumn& column : db::mirror_columns())
    text += ",\n" + line_of(column.name, settings[column.name], help_of(column));
  text += ",\n" + line_of("prefixes", settings["prefixes"],
                          "a list: networks that it serves before all others, as \"192.0.2.0/24\"");
  text += ",\n" + line_of("served_as", settings["served_as"],
                          "a list: further ASes that it serves before all others, as 64496");
  return text + "\n}\n";
}

json parse_edit_text(std::string_view text) {
  bool deep = false;
  json settings;
  try {
    settings = json::parse(
        text,
        [&](int depth, json::parse_event_t, const json&) {
          deep = deep || depth > kDeepest;
          return !deep;
        },
        true, true);
  } catch (const json::exception& error) {
    throw TextFault(parse_fault(error.what()));
  }
  if (deep || !settings.is_object())
    throw TextFault("expected one object { … } with settings, whose values hold no objects");
  return settings;
}

Edited what_changed(const json& before, const json& after) {
  for (const auto& [name, value] : after.items()) {
    if (!before.contains(name)) throw TextFault(fmt::format("a mirror has no setting '{}'", name));
    if (value.is_object()) throw TextFault(fmt::format("{}: expected a value, not {{", name));
  }
  json whole = before;
  whole.update(after);
  if (!whole["identifier"].is_string()) throw TextFault("identifier: expected a text");
  Edited edited;
  if (whole["identifier"] != before["identifier"]) edited.identifier = whole["identifier"];
  const auto columns = moved(before).columns;
  for (const db::Change& column : moved(whole).columns) {
    if (std::find(columns.begin(), columns.end(), column) == columns.end())
      edited.columns.push_back(column);
  }
  const std::vector<std::string> was = served(before), is = served(whole);
  edited.no_longer_first = less(was, is);
  edited.now_first = less(is, was);
  return edited;
}

}  // namespace mirror::mb
