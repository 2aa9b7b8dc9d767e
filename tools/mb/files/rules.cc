// mb rules: which files never change and which ones change together, as the database and mb.toml
// have it.
#include <fmt/format.h>

#include <cmath>

#include "db/path_rules.h"
#include "tools/mb/commands.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

struct Wanted {
  bool apply = false, dry_run = false, json = false;
};

std::int64_t hours(const MutableRule& rule) { return std::llround(rule.alternates_s / 3600); }

void say_rules(const PathRules& rules) {
  Table table({{"RULE"},
               {"PATTERN"},
               {"FROM THE ORIGIN ALONE"},
               {"FORMER VERSIONS TOLD FOR", Align::right}});
  for (const std::string& glob : rules.immutable_texts()) table.add({"immutable", glob, "", ""});
  for (const MutableRule& rule : rules.groups()) {
    std::vector<std::string> names = rule.anchors;
    names.insert(names.end(), rule.signatures.begin(), rule.signatures.end());
    table.add({"mutable", rule.folder, fmt::format("{}", fmt::join(names, ", ")),
               rule.alternates_s > 0 ? fmt::format("{} h", hours(rule)) : ""});
  }
  table.say();
}

void say_groups(const std::vector<db::HeldGroup>& groups) {
  Table table({{"GROUP"}, {"MIRRORS WITH ALL OF IT", Align::right}});
  for (const db::HeldGroup& group : groups)
    table.add({group.folder + '/', std::to_string(group.mirrors.size())});
  if (groups.empty()) return;
  say_lines("\n");
  table.say();
}

nlohmann::json to_json(const PathRules& rules, const std::vector<db::HeldGroup>& groups) {
  auto kinds = nlohmann::json::array(), folders = nlohmann::json::array();
  for (const MutableRule& rule : rules.groups()) {
    kinds.push_back({{"folder", rule.folder},
                     {"anchors", rule.anchors},
                     {"signatures", rule.signatures},
                     {"alternates_hours", hours(rule)}});
  }
  for (const db::HeldGroup& group : groups) {
    nlohmann::json& told = folders.emplace_back();
    told["mirrors"] = group.mirrors.size();
    put_bytes(told, "folder", group.folder);
  }
  return {{"immutable", rules.immutable_texts()}, {"mutable", kinds}, {"groups", folders}};
}

int say_apply(db::Connection& connection, const Instance& instance) {
  const bool differs = !(db::load_path_rules(connection) == instance.rules);
  say(fmt::format("the database {} the rules of {}", differs ? "would get" : "has", instance.file));
  return kSuccess;
}

int run(Context& context, const Wanted& wanted) {
  if (wanted.dry_run && !wanted.apply) throw UsageError("rules: --dry-run needs --apply");
  db::Connection& connection = context.database();
  const Instance& instance = context.instance();
  if (wanted.apply && !instance.file_found)
    throw Failure(fmt::format("there are no rules to apply: no file {}", instance.file));
  if (wanted.dry_run) return say_apply(connection, instance);
  if (wanted.apply && db::store_path_rules(connection, instance.rules))
    complain(fmt::format("the database has the rules of {} now", instance.file));
  const PathRules held = db::load_path_rules(connection);
  const bool differs = !(held == instance.rules);
  const bool any = !(held == PathRules());
  if (wanted.json) {
    nlohmann::json told = to_json(held, db::list_groups(connection));
    told["configured"] = !differs;
    say_json(told);
  } else if (any) {
    say_rules(held);
    say_groups(db::list_groups(connection));
  }
  if (differs) {
    complain(fmt::format(
        "{} has other rules than the database: mb-scan --source or mb rules --apply copies them",
        config_file_text(instance)));
    return kFailure;
  }
  if (!any && !wanted.json) complain("there are no rules");
  return kSuccess;
}

}  // namespace

Action setup_rules(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  app.add_flag("--apply", wanted->apply, "Copy the rules of mb.toml into the database");
  app.add_flag("--dry-run", wanted->dry_run, "With --apply: say what would change");
  app.add_flag("--json", wanted->json, "As JSON");
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
