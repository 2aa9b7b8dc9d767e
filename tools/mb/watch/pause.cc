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

int pause(Context& context, const std::string& reason) {
  check_reason(reason);
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

int resume(Context& context) {
  const std::optional<Pause> ended = db::end_pause(context.database());
  say(ended ? "redirects go on; they were paused " + ended->text() : "redirects were not paused");
  return kSuccess;
}

}  // namespace

Action setup_pause(cli::Options& app, Context& context) {
  auto reason = std::make_shared<std::string>();
  app.add_option("--reason", *reason, "Why, for everybody who looks: one line")
      ->required()
      ->type_name("TEXT");
  return [&context, reason] { return pause(context, *reason); };
}

Action setup_resume(cli::Options&, Context& context) {
  return [&context] { return resume(context); };
}

}  // namespace mirror::mb
