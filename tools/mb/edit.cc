// mb edit and mb weight: changing a mirror's columns; they say what was and what is.
#include <fmt/core.h>

#include "commands.h"
#include "output.h"
#include "record.h"

namespace mirror::mb {
namespace {

std::string shown(const std::string& value) { return value.empty() ? "''" : value; }

// Changes a mirror and says what differs afterwards: the database may have normalised what was
// given.
int change(Context& context, const std::string& identifier,
           const std::vector<db::Change>& changes) {
  const db::MirrorRecord before = require_mirror(context, identifier);
  db::update_mirror(context.database(), before.mirror.id, changes);
  const db::MirrorRecord after = require_mirror(context, identifier);
  std::string differences;
  for (const db::MirrorColumn& column : db::mirror_columns()) {
    const std::string was = db::column_text(before, column), is = db::column_text(after, column);
    if (was == is) continue;
    differences += fmt::format("{}{} {} → {}", differences.empty() ? "" : ", ", column.name,
                               shown(was), shown(is));
  }
  say(fmt::format("mirror '{}': {}", identifier,
                  differences.empty() ? "nothing to change" : differences));
  return kSuccess;
}

struct Edit {
  explicit Edit(cli::Options& app) : columns(app) {}
  std::string identifier;
  ColumnOptions columns;
};

struct Weight {
  std::string identifier, weight;
};

}  // namespace

Action setup_edit(cli::Options& app, Context& context) {
  auto edit = std::make_shared<Edit>(app);
  app.add_option("identifier", edit->identifier, "The mirror")->required()->type_name("IDENT");
  app.footer("An empty value ('') clears a column.");
  return [&context, edit] {
    auto changes = edit->columns.changes();
    if (changes.empty())
      throw UsageError("edit: nothing to change: give at least one column; see `mb edit --help`");
    add_region(edit->columns, changes);
    const int status = change(context, edit->identifier, changes);
    complain_of_countries(edit->columns);
    return status;
  };
}

Action setup_weight(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Weight>();
  app.add_option("identifier", wanted->identifier, "The mirror")->required()->type_name("IDENT");
  app.add_option("weight", wanted->weight, "100 is normal, 0 takes no redirects")
      ->required()
      ->type_name("NUMBER");
  return [&context, wanted] {
    return change(context, wanted->identifier, {{"weight", wanted->weight}});
  };
}

}  // namespace mirror::mb
