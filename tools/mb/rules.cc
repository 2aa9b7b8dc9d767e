// mb rules: what is known of which files change, in the database and in mb.toml.
#include <fmt/format.h>

#include "commands.h"
#include "db/path_rules.h"
#include "output.h"

namespace mirror::mb {
namespace {

struct Wanted {
  bool apply = false, json = false;
};

void say_table(const PathRules& rules) {
  Table table({{"RULE"}, {"PATTERN"}});
  for (const std::string& glob : rules.immutable_texts()) table.add({"immutable", glob});
  table.say();
}

int run(Context& context, const Wanted& wanted) {
  db::Connection& connection = context.database();
  const Instance& instance = context.instance();
  if (wanted.apply && !instance.file_found)
    throw Failure(fmt::format("there are no rules to apply: no file {}", instance.file));
  if (wanted.apply && db::store_path_rules(connection, instance.rules))
    complain(fmt::format("the database has the rules of {} now", instance.file));
  const PathRules held = db::load_path_rules(connection);
  const bool differs = !(held == instance.rules);
  if (wanted.json) {
    say_json({{"immutable", held.immutable_texts()}, {"configured", !differs}});
  } else if (!held.immutable().empty()) {
    say_table(held);
  }
  if (differs) {
    complain(fmt::format(
        "{} has other rules than the database: mb-scan --source or mb rules --apply copies them",
        config_file_text(instance)));
    return kFailure;
  }
  if (held.immutable().empty() && !wanted.json) complain("there are no rules");
  return kSuccess;
}

}  // namespace

Action setup_rules(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  app.add_flag("--apply", wanted->apply, "Copy the rules of mb.toml into the database");
  app.add_flag("--json", wanted->json, "As JSON");
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
