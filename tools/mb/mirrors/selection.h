// Which mirrors a command is for, by name or by --where, and whether it may go on: --yes and
// --dry-run. One per command, in one thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include "tools/cli/options.h"

#include "tools/mb/context.h"

namespace mirror::mb {

// Asks on standard error, so that the question is seen when output goes to a file. End of input is
// a no.
bool confirmed(const std::string& question);
// A line of standard input; nullopt: it has ended.
std::optional<std::string> read_answer();
bool can_ask();  // standard input is a terminal

class Selection {
 public:
  // `verb`: what the command does, as in "edit: …".
  explicit Selection(const char* verb) : verb_(verb) {}
  // --where, --yes and --dry-run. The object must outlive the parser.
  void add_options(cli::Options& app);

  bool by_condition() const { return !where_.empty(); }
  bool yes() const { return yes_; }
  bool dry_run() const { return dry_run_; }

  // Those of the names, or those that all conditions hold for. Throws UsageError unless there are
  // names or conditions, and not both; Failure if there is no such mirror.
  std::vector<db::MirrorRecord> mirrors(Context& context, const std::vector<std::string>& names,
                                        Naming naming = Naming::to_change) const;
  // Says which mirrors conditions chose, and asks if there are several; a dry run changes nothing,
  // so it does not ask. Throws UsageError if it cannot ask.
  bool agreed(const std::vector<db::MirrorRecord>& records) const;

 private:
  const char* verb_;
  std::vector<std::string> where_;
  bool yes_ = false, dry_run_ = false;
};

// A change in the database. A dry run tries it, so that the database's own checks are heard, and
// takes it back.
class Attempt {
 public:
  Attempt(db::Connection& connection, bool dry_run) : transaction_(connection), dry_(dry_run) {}
  void finish() {
    if (!dry_) transaction_.commit();
  }

 private:
  db::Transaction transaction_;
  const bool dry_;
};

}  // namespace mirror::mb
