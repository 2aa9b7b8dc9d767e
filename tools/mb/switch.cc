// mb enable and mb disable: the admin's switch.
#include <fmt/core.h>

#include "commands.h"
#include "config/own_url.h"
#include "db/files.h"
#include "output.h"

namespace mirror::mb {
namespace {

// Nobody is sent to a mirror without files. Returns whether one is.
bool complain_of_empty(Context& context, const std::vector<db::MirrorRecord>& records) {
  const auto counts = db::file_counts(context.database());
  bool any = false;
  for (const db::MirrorRecord& record : records) {
    if (const auto count = counts.find(record.mirror.id);
        count != counts.end() && count->second > 0)
      continue;
    any = true;
    complain(fmt::format(
        "mirror '{0}' is enabled and has no files, so nobody is sent there; {1}: mb scan {0}",
        record.mirror.identifier,
        record.last_scan_s ? "its last scan found none of the source's" : "it was never scanned"));
  }
  return any;
}

int switch_mirrors(Context& context, const std::vector<std::string>& identifiers, bool enabled) {
  const char* word = enabled ? "enabled" : "disabled";
  const std::vector<db::MirrorRecord> records = require_mirrors(context, identifiers);
  std::vector<db::MirrorRecord> taken;
  for (const db::MirrorRecord& record : records) {
    const Mirror& mirror = record.mirror;
    if (mirror.enabled == enabled) {
      taken.push_back(record);
      say(fmt::format("mirror '{}' was {} already", mirror.identifier, word));
      continue;
    }
    const std::string trouble = enabled ? own_url_trouble(context.instance(), mirror) : "";
    if (!trouble.empty()) {
      complain(trouble + ", so it stays disabled");
      continue;
    }
    db::update_mirror(context.database(), mirror.id, {{"enabled", enabled ? "true" : "false"}});
    say(fmt::format("mirror '{}' {}", mirror.identifier, word));
    taken.push_back(record);
  }
  const bool empty = enabled && complain_of_empty(context, taken);
  return empty || taken.size() < records.size() ? kFailure : kSuccess;
}

Action setup_switch(cli::Options& app, Context& context, bool enabled) {
  auto identifiers = std::make_shared<std::vector<std::string>>();
  app.add_option("identifiers", *identifiers, "The mirrors")->required()->type_name("IDENT");
  return
      [&context, identifiers, enabled] { return switch_mirrors(context, *identifiers, enabled); };
}

}  // namespace

bool keep_own_url_out(Context& context, const Mirror& mirror) {
  const std::string trouble = own_url_trouble(context.instance(), mirror);
  if (trouble.empty()) return true;
  if (mirror.enabled) db::update_mirror(context.database(), mirror.id, {{"enabled", "false"}});
  complain(trouble + (mirror.enabled ? ", so it is disabled now" : ""));
  return !mirror.enabled;
}

Action setup_enable(cli::Options& app, Context& context) {
  return setup_switch(app, context, true);
}
Action setup_disable(cli::Options& app, Context& context) {
  return setup_switch(app, context, false);
}

}  // namespace mirror::mb
