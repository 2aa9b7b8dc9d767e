// mb comment: what admins noted of a mirror, and when.
#include <fmt/core.h>

#include "db/mirror/comments.h"
#include "tools/mb/commands.h"
#include "tools/mb/mirrors/record.h"
#include "tools/mb/mirrors/selection.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

struct Wanted {
  std::string identifier;
  std::optional<std::string> text;
  bool json = false, dry_run = false;
};

void list(const Mirror& mirror, const std::vector<db::Comment>& comments, bool json) {
  if (json)
    say_json(comments_json(comments));
  else if (comments.empty())
    complain(fmt::format("no comments on mirror '{}'", mirror.identifier));
  else
    say_comments(comments, "");
}

int run(Context& context, const Wanted& wanted) {
  const Naming naming = wanted.text ? Naming::to_change : Naming::partial;
  const Mirror mirror = require_mirror(context, wanted.identifier, naming).mirror;
  db::Connection& connection = context.database();
  if (!wanted.text) {
    list(mirror, db::read_comments(connection, mirror.id), wanted.json);
    return kSuccess;
  }
  const std::size_t end = wanted.text->find_last_not_of(" \t\r\n");
  if (end == std::string::npos) throw UsageError("comment: the text is empty");
  Attempt attempt(connection, wanted.dry_run);
  db::add_comment(connection, mirror.id, std::string_view(*wanted.text).substr(0, end + 1));
  attempt.finish();
  say(fmt::format("mirror '{}': {}", mirror.identifier,
                  wanted.dry_run ? "the comment would be added" : "comment added"));
  return kSuccess;
}

}  // namespace

Action setup_comment(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  app.add_option("identifier", wanted->identifier, "The mirror")->required()->type_name("IDENT");
  app.add_option("text", wanted->text, "What to note; without it, what was noted is printed")
      ->type_name("TEXT");
  app.add_flag("--dry-run", wanted->dry_run, "Say what would be done, and change nothing");
  app.add_flag("--json", wanted->json, "What was noted, as JSON");
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
