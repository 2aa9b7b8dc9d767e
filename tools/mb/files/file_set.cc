// mb file add, mb file rm: says that a mirror has a file, or has it not, until its next scan finds
// out.
#include <fmt/core.h>

#include <algorithm>

#include "db/merge/one_file.h"
#include "db/probe/probe_files.h"
#include "tools/mb/commands.h"
#include "tools/mb/files/tree_file.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

struct Wanted {
  std::string path;
  std::vector<std::string> identifiers;
  bool dry_run = false;
};

int run(Context& context, const Wanted& wanted, bool has) {
  db::Connection& connection = context.database();
  const db::FoundFile found = require_file(connection, wanted.path);
  const auto file = db::ProbeFiles::at_path(connection, found.file.path);
  if (!file) throw Failure(fmt::format("'{}' is no current file", found.file.path));
  bool all = true;
  for (const db::MirrorRecord& record :
       require_mirrors(context, wanted.identifiers, Naming::to_change)) {
    const Mirror& mirror = record.mirror;
    const bool had =
        std::find(found.mirrors.begin(), found.mirrors.end(), mirror.id) != found.mirrors.end();
    const std::vector<db::FileOnMirror> one = {{mirror.id, file->id, file->version_rev}};
    const bool changes = had != has;
    const std::int64_t changed = !changes || wanted.dry_run ? 0
                                 : has                      ? db::confirm_files(connection, one)
                                                            : db::withdraw_files(connection, one);
    const char* const now = has ? "has it" : "has it not";
    if (!changes)
      say(fmt::format("mirror '{}': {} already", mirror.identifier, now));
    else if (wanted.dry_run || changed > 0)
      say(fmt::format("mirror '{}': {} {}", mirror.identifier, now,
                      wanted.dry_run ? "then" : "now, until its next scan"));
    else
      complain(
          fmt::format("mirror '{}': nothing was changed: the file is gone, pending or another "
                      "version by now",
                      mirror.identifier));
    all &= !changes || wanted.dry_run || changed > 0;
  }
  return all ? kSuccess : kFailure;
}

Action setup(cli::Options& app, Context& context, bool has) {
  auto wanted = std::make_shared<Wanted>();
  app.add_option("path", wanted->path, "The file's path in the tree")
      ->required()
      ->type_name("PATH");
  app.add_option("identifiers", wanted->identifiers, "The mirrors")->required()->type_name("IDENT");
  app.add_flag("--dry-run", wanted->dry_run, "Show what would change");
  return [&context, wanted, has] { return run(context, *wanted, has); };
}

}  // namespace

Action setup_file_add(cli::Options& app, Context& context) { return setup(app, context, true); }
Action setup_file_rm(cli::Options& app, Context& context) { return setup(app, context, false); }

}  // namespace mirror::mb
