// mb delete: takes mirrors out of the database for good, after asking.
#include <fmt/core.h>

#include "db/files.h"
#include "tools/mb/commands.h"
#include "tools/mb/mirrors/selection.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

struct Wanted {
  std::vector<std::string> identifiers;
  Selection selection{"delete"};
};

int run(Context& context, const Wanted& wanted) {
  const bool dry_run = wanted.selection.dry_run(), yes = wanted.selection.yes();
  const std::vector<db::MirrorRecord> records =
      wanted.selection.mirrors(context, wanted.identifiers, Naming::whole);
  if (!yes && !dry_run && !can_ask()) {
    throw UsageError(
        "delete: cannot ask: standard input is not a terminal; --yes deletes without asking");
  }
  const auto files = db::file_counts(context.database());
  bool kept = false;
  for (const db::MirrorRecord& record : records) {
    const Mirror& mirror = record.mirror;
    const auto count = files.find(mirror.id);
    const std::string held =
        fmt::format("with {} files", grouped(count == files.end() ? 0 : count->second));
    if (dry_run) {
      say(fmt::format("mirror '{}' would be deleted, {}", mirror.identifier, held));
      continue;
    }
    if (!yes && !confirmed(fmt::format("Delete mirror '{}' {}?", mirror.identifier, held))) {
      say(fmt::format("mirror '{}' kept", mirror.identifier));
      kept = true;
      continue;
    }
    db::delete_mirror(context.database(), mirror.id);
    say(fmt::format("mirror '{}' deleted, {}", mirror.identifier, held));
  }
  return kept ? kFailure : kSuccess;
}

}  // namespace

Action setup_delete(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  app.add_option("identifiers", wanted->identifiers, "The mirrors, by their whole names")
      ->type_name("IDENT");
  wanted->selection.add_options(app);
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
