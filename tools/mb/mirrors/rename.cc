// mb rename: another name for a mirror; what it has stays.
#include <fmt/core.h>

#include "tools/mb/commands.h"
#include "tools/mb/mirrors/selection.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

struct Names {
  std::string from, to;
  bool dry_run = false;
};

int rename(Context& context, const Names& names) {
  const db::MirrorRecord record = require_mirror(context, names.from, Naming::to_change);
  const std::string &from = record.mirror.identifier, &to = names.to;
  if (from == to) {
    say(fmt::format("mirror '{}' has that name already", from));
    return kSuccess;
  }
  Attempt attempt(context.database(), names.dry_run);
  db::rename_mirror(context.database(), record.mirror.id, to);
  attempt.finish();
  say(fmt::format("mirror '{}' {} '{}'", from, names.dry_run ? "would be named" : "is now", to));
  const Instance& instance = context.instance();
  if (instance.mirrors.contains(from)) {
    complain(fmt::format(
        "the configuration file's section [instance.{}.mirror.\"{}\"] has the old name: rename it",
        instance.name, from));
  }
  return kSuccess;
}

}  // namespace

Action setup_rename(cli::Options& app, Context& context) {
  auto names = std::make_shared<Names>();
  app.add_option("old", names->from, "The mirror")->required()->type_name("OLD");
  app.add_option("new", names->to, "Its new name")->required()->type_name("NEW");
  app.add_flag("--dry-run", names->dry_run, "Say what would be done, and change nothing");
  return [&context, names] { return rename(context, *names); };
}

}  // namespace mirror::mb
