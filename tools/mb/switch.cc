// mb enable and mb disable: the admin's switch.
#include <fmt/core.h>

#include "commands.h"
#include "output.h"

namespace mirror::mb {
namespace {

int switch_mirrors(Context& context, const std::vector<std::string>& identifiers, bool enabled) {
  const char* word = enabled ? "enabled" : "disabled";
  for (const db::MirrorRecord& record : require_mirrors(context, identifiers)) {
    const Mirror& mirror = record.mirror;
    if (mirror.enabled == enabled) {
      say(fmt::format("mirror '{}' was {} already", mirror.identifier, word));
      continue;
    }
    db::update_mirror(context.database(), mirror.id, {{"enabled", enabled ? "true" : "false"}});
    say(fmt::format("mirror '{}' {}", mirror.identifier, word));
  }
  return kSuccess;
}

Action setup_switch(cli::Options& app, Context& context, bool enabled) {
  auto identifiers = std::make_shared<std::vector<std::string>>();
  app.add_option("identifiers", *identifiers, "The mirrors")->required()->type_name("IDENT");
  return
      [&context, identifiers, enabled] { return switch_mirrors(context, *identifiers, enabled); };
}

}  // namespace

Action setup_enable(cli::Options& app, Context& context) {
  return setup_switch(app, context, true);
}
Action setup_disable(cli::Options& app, Context& context) {
  return setup_switch(app, context, false);
}

}  // namespace mirror::mb
