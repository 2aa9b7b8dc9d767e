// mb prefix: the networks and ASes that a mirror serves before others.
#include <fmt/core.h>

#include "tools/mb/commands.h"
#include "tools/mb/mirrors/record.h"
#include "tools/mb/mirrors/selection.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

struct Wanted {
  std::string identifier, action;
  std::vector<std::string> values;
  bool dry_run = false;
};

void list(const Mirror& mirror) {
  for (const Prefix& prefix : mirror.prefixes) say(prefix.text());
  for (const AsNumber asn : mirror.served_as) say(as_text(asn));
}

int run(Context& context, const Wanted& wanted) {
  if (wanted.action.empty() != wanted.values.empty()) {
    throw UsageError(
        "prefix: expected `mb prefix IDENT`, or `mb prefix IDENT add PREFIX-or-AS…`, or the same "
        "with rm");
  }
  db::Connection& connection = context.database();
  const Naming naming = wanted.values.empty() ? Naming::partial : Naming::to_change;
  const Mirror before = require_mirror(context, wanted.identifier, naming).mirror;
  if (wanted.values.empty()) {
    list(before);
    return kSuccess;
  }
  bool missing = false;
  for (const std::string& value : wanted.values) {
    Attempt attempt(connection, wanted.dry_run);
    if (wanted.action == "add") {
      db::add_mirror_prefix(connection, before.id, value);
      attempt.finish();
      say(fmt::format("mirror '{}' {} {} first", before.identifier,
                      wanted.dry_run ? "would serve" : "serves", value));
    } else if (db::remove_mirror_prefix(connection, before.id, value)) {
      attempt.finish();
      say(fmt::format("mirror '{}' {} {} first", before.identifier,
                      wanted.dry_run ? "would no longer serve" : "no longer serves", value));
    } else {
      complain(fmt::format("mirror '{}' has no prefix or AS {}; `mb prefix {}` lists them",
                           before.identifier, value, before.identifier));
      missing = true;
    }
  }
  return missing ? kFailure : kSuccess;
}

}  // namespace

Action setup_prefix(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  app.add_option("identifier", wanted->identifier, "The mirror")->required()->type_name("IDENT");
  app.add_option("action", wanted->action, "add or rm; without it they are listed")
      ->one_of({"add", "rm"})
      ->type_name("add|rm");
  app.add_option("values", wanted->values, "Networks (192.0.2.0/24) or ASes (AS64496)")
      ->type_name("PREFIX-or-AS");
  app.add_flag("--dry-run", wanted->dry_run, "Say what would be done, and change nothing");
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
