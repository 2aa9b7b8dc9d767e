// mb enable and mb disable: the admin's switch.
#include <fmt/core.h>

#include "config/own_url.h"
#include "db/files.h"
#include "tools/mb/commands.h"
#include "tools/mb/mirrors/selection.h"
#include "tools/mb/output.h"

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

struct Wanted {
  explicit Wanted(const char* verb) : selection(verb) {}
  std::vector<std::string> identifiers;
  Selection selection;
};

// Returns what to say of the mirror; nullopt: it is not as it should be.
std::optional<std::string> switch_one(Context& context, const Mirror& mirror, bool enabled,
                                      bool dry_run) {
  const char* const word = enabled ? "enabled" : "disabled";
  if (mirror.enabled == enabled)
    return fmt::format("mirror '{}' {} {} already", mirror.identifier, dry_run ? "is" : "was",
                       word);
  const std::string trouble = enabled ? own_url_trouble(context.instance(), mirror) : "";
  if (!trouble.empty()) {
    complain(trouble + ", so it stays disabled");
    return std::nullopt;
  }
  try {
    db::update_mirror(context.database(), mirror.id, {{"enabled", enabled ? "true" : "false"}});
  } catch (const db::Error& error) {
    if (context.database().broken()) throw;
    throw Failure(
        fmt::format("mirror '{}': {}; nothing is changed", mirror.identifier, error.what()));
  }
  return fmt::format("mirror '{}' {}{}", mirror.identifier, dry_run ? "would be " : "", word);
}

int switch_mirrors(Context& context, const Wanted& wanted, bool enabled) {
  const Selection& selection = wanted.selection;
  const std::vector<db::MirrorRecord> records = selection.mirrors(context, wanted.identifiers);
  if (!selection.agreed(records)) return kFailure;
  std::vector<db::MirrorRecord> taken;
  std::vector<std::string> lines;
  Attempt attempt(context.database(), selection.dry_run());
  for (const db::MirrorRecord& record : records) {
    auto line = switch_one(context, record.mirror, enabled, selection.dry_run());
    if (!line) continue;
    lines.push_back(std::move(*line));
    taken.push_back(record);
  }
  attempt.finish();
  for (const std::string& line : lines) say(line);
  const bool empty = enabled && !selection.dry_run() && complain_of_empty(context, taken);
  return empty || taken.size() < records.size() ? kFailure : kSuccess;
}

Action setup_switch(cli::Options& app, Context& context, bool enabled) {
  auto wanted = std::make_shared<Wanted>(enabled ? "enable" : "disable");
  app.add_option("identifiers", wanted->identifiers, "The mirrors")->type_name("IDENT");
  wanted->selection.add_options(app);
  return [&context, wanted, enabled] { return switch_mirrors(context, *wanted, enabled); };
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
