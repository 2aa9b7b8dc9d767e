#include "tools/mb/mirrors/selection.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "tools/mb/mirrors/condition.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

constexpr std::size_t kNamesShown = 20;

std::string names_of(const std::vector<db::MirrorRecord>& records) {
  std::string names;
  for (std::size_t i = 0; i < std::min(records.size(), kNamesShown); ++i)
    names += (i == 0 ? "" : ", ") + records[i].mirror.identifier;
  if (records.size() > kNamesShown)
    names += fmt::format(" and {} more", records.size() - kNamesShown);
  return names;
}

}  // namespace

std::optional<std::string> read_answer() {
  std::string answer;
  int c = std::getchar();
  if (c == EOF) return std::nullopt;
  for (; c != EOF && c != '\n'; c = std::getchar()) answer += static_cast<char>(c);
  return answer;
}

bool confirmed(const std::string& question) {
  std::fputs((terminal_safe(question) + " [y/N] ").c_str(), stderr);
  const std::string answer = read_answer().value_or("");
  return answer == "y" || answer == "Y" || answer == "yes";
}

bool can_ask() { return ::isatty(STDIN_FILENO) != 0; }

void Selection::add_options(cli::Options& app) {
  app.add_option("--where", where_, kConditionHelp)->one_word_each()->type_name("CONDITION");
  app.add_flag("-y,--yes", yes_, "Do not ask");
  app.add_flag("--dry-run", dry_run_, "Say what would be done, and change nothing");
}

std::vector<db::MirrorRecord> Selection::mirrors(Context& context,
                                                 const std::vector<std::string>& names,
                                                 Naming naming) const {
  if (names.empty() == where_.empty())
    throw UsageError(fmt::format("{}: {}; see `mb {} --help`", verb_,
                                 names.empty() ? "which mirror? Give its name, or --where"
                                               : "give names or --where, not both",
                                 verb_));
  if (where_.empty()) return require_mirrors(context, names, naming);
  const std::vector<Condition> conditions(where_.begin(), where_.end());
  std::vector<db::MirrorRecord> found = db::list_mirrors(context.database());
  std::erase_if(found, [&](const db::MirrorRecord& record) {
    return !std::all_of(conditions.begin(), conditions.end(),
                        [&](const Condition& one) { return one.holds_for(record); });
  });
  if (found.empty())
    throw Failure(fmt::format("no mirror matches --where {}", fmt::join(where_, " --where ")));
  return found;
}

bool Selection::agreed(const std::vector<db::MirrorRecord>& records) const {
  if (!by_condition() || records.size() < 2 || dry_run_) return true;
  complain(fmt::format("{} mirrors match: {}", records.size(), names_of(records)));
  if (yes_) return true;
  if (!can_ask())
    throw UsageError(
        fmt::format("{}: cannot ask: standard input is not a terminal; --yes goes on "
                    "without asking, --dry-run shows what would change",
                    verb_));
  std::string question = fmt::format("{} {} mirrors?", verb_, records.size());
  question.front() = static_cast<char>(question.front() - 'a' + 'A');
  if (confirmed(question)) return true;
  say("nothing is changed");
  return false;
}

}  // namespace mirror::mb
