// mb delete: takes mirrors out of the database for good, after asking.
#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>

#include "commands.h"
#include "db/files.h"
#include "output.h"

namespace mirror::mb {
namespace {

struct Wanted {
  std::vector<std::string> identifiers;
  bool yes = false;
};

// Asks on standard error, so that the question is seen when output goes to a file. End of input is
// a no.
bool confirmed(const std::string& question) {
  std::fputs((terminal_safe(question) + " [y/N] ").c_str(), stderr);
  std::string answer;
  for (int c = std::getchar(); c != EOF && c != '\n'; c = std::getchar())
    answer += static_cast<char>(c);
  return answer == "y" || answer == "Y" || answer == "yes";
}

int run(Context& context, const Wanted& wanted) {
  if (!wanted.yes && !::isatty(STDIN_FILENO)) {
    throw UsageError(
        "delete: cannot ask: standard input is not a terminal; --yes deletes without asking");
  }
  const std::vector<db::MirrorRecord> records = require_mirrors(context, wanted.identifiers);
  const auto files = db::file_counts(context.database());
  bool kept = false;
  for (const db::MirrorRecord& record : records) {
    const Mirror& mirror = record.mirror;
    const auto count = files.find(mirror.id);
    const std::string held =
        fmt::format("with {} files", grouped(count == files.end() ? 0 : count->second));
    if (!wanted.yes && !confirmed(fmt::format("Delete mirror '{}' {}?", mirror.identifier, held))) {
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
  app.add_option("identifiers", wanted->identifiers, "The mirrors")->required()->type_name("IDENT");
  app.add_flag("-y,--yes", wanted->yes, "Do not ask");
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
