// mb rename: another name for a mirror; what it has stays.
#include <fmt/core.h>

#include "commands.h"
#include "output.h"

namespace mirror::mb {
namespace {

struct Names {
  std::string from, to;
};

int rename(Context& context, const std::string& from, const std::string& to) {
  const db::MirrorRecord record = require_mirror(context, from);
  if (from == to) {
    say(fmt::format("mirror '{}' has that name already", from));
    return kSuccess;
  }
  db::rename_mirror(context.database(), record.mirror.id, to);
  say(fmt::format("mirror '{}' is now '{}'", from, to));
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
  return [&context, names] { return rename(context, names->from, names->to); };
}

}  // namespace mirror::mb
