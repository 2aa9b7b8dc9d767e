// mb export: all that an admin set of the mirrors, for `mb import` and other programs.
#include <fmt/core.h>

#include "tools/mb/commands.h"
#include "tools/mb/mirrors/record.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

std::vector<db::MirrorRecord> chosen(Context& context,
                                     const std::vector<std::string>& identifiers) {
  return identifiers.empty() ? db::list_mirrors(context.database())
                             : require_mirrors(context, identifiers);
}

// Quoted where a reader would take it for something else.
std::string cell(const std::string& value) {
  const bool plain = value.find_first_of(",;\"\r\n\t") == value.npos && !value.starts_with(' ') &&
                     !value.ends_with(' ');
  if (plain) return value;
  std::string quoted = "\"";
  for (const char c : value) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

int run_json(Context& context, const std::vector<db::MirrorRecord>& records) {
  auto list = nlohmann::json::array();
  auto comments = db::read_comments(context.database());
  for (const db::MirrorRecord& record : records) {
    list.push_back(settings_json(record));
    list.back()["comments"] = comments_json(comments[record.mirror.id]);
  }
  say_json({{"mirrors", list}});
  return kSuccess;
}

int run_csv(Context&, const std::vector<db::MirrorRecord>& records) {
  std::string line = "identifier,serves_first";
  for (const db::MirrorColumn& column : db::mirror_columns())
    line += fmt::format(",{}", column.name);
  say_lines(line + "\n");
  for (const db::MirrorRecord& record : records) {
    line = fmt::format("{},{}", cell(record.mirror.identifier),
                       cell(served_first(record.mirror, ",")));
    for (const db::MirrorColumn& column : db::mirror_columns())
      line += "," + cell(db::column_text(record, column));
    say_lines(line + "\n");
  }
  return kSuccess;
}

template <typename Run>
Action setup(cli::Options& app, Context& context, Run run) {
  auto identifiers = std::make_shared<std::vector<std::string>>();
  app.add_option("identifiers", *identifiers, "Of these mirrors; without one, of all")
      ->type_name("IDENT");
  return [&context, identifiers, run] { return run(context, chosen(context, *identifiers)); };
}

}  // namespace

Action setup_export_json(cli::Options& app, Context& context) {
  return setup(app, context, run_json);
}
Action setup_export_csv(cli::Options& app, Context& context) {
  return setup(app, context, run_csv);
}

}  // namespace mirror::mb
