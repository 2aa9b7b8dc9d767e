// mb pause and mb resume: all redirects at once, on every redirector.
#include <fmt/core.h>

#include "core/path.h"
#include "db/pause.h"
#include "tools/mb/commands.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

constexpr std::size_t kMostReasonBytes = 500;  // as the table has it

// One line that the table takes.
void check_reason(const std::string& reason) {
  if (reason.empty() || reason.size() > kMostReasonBytes || printable(reason) != reason)
    throw UsageError(
        fmt::format("--reason: expected one line of text in UTF-8, of 1 to {} bytes, without "
                    "control characters",
                    kMostReasonBytes));
}

int pause(Context& context, const std::string& reason, bool dry_run) {
  check_reason(reason);
  if (dry_run) {
    const std::optional<Pause> before = db::load_pause(context.database());
    say(before ? "redirects are paused already, " + before->text() : "redirects would be paused");
    return kSuccess;
  }
  const std::optional<Pause> before = db::begin_pause(context.database(), reason);
  if (!before)
    say("redirects are paused: within a second no redirector sends anybody to a mirror; `mb "
        "resume` ends it");
  else if (before->reason == reason)
    say("redirects were paused already, " + before->text());
  else
    say("redirects were paused already, " + before->text() + "; the reason is changed");
  return kSuccess;
}

int resume(Context& context, bool dry_run) {
  db::Connection& connection = context.database();
  const std::optional<Pause> ended =
      dry_run ? db::load_pause(connection) : db::end_pause(connection);
  if (dry_run && ended)
    say("redirects would go on; they are paused " + ended->text());
  else
    say(ended ? "redirects go on; they were paused " + ended->text() : "redirects were not paused");
  return kSuccess;
}

}  // namespace

Action setup_pause(cli::Options& app, Context& context) {
  auto reason = std::make_shared<std::string>();
  auto dry_run = std::make_shared<bool>(false);
  app.add_option("--reason", *reason, "Why, for everybody who looks: one line")
      ->required()
      ->type_name("TEXT");
  app.add_flag("--dry-run", *dry_run, "Say what would be done, and change nothing");
  return [&context, reason, dry_run] { return pause(context, *reason, *dry_run); };
}

Action setup_resume(cli::Options& app, Context& context) {
  auto dry_run = std::make_shared<bool>(false);
  app.add_flag("--dry-run", *dry_run, "Say what would be done, and change nothing");
  return [&context, dry_run] { return resume(context, *dry_run); };
}

}  // namespace mirror::mb
