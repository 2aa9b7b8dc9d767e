// mb catalog verify: is the catalog what the database has?
#include <fmt/core.h>

#include <chrono>
#include <thread>

#include "core/path.h"
#include "feed/compare.h"
#include "feed/pull.h"
#include "tools/mb/catalog/catalog_choice.h"
#include "tools/mb/commands.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

constexpr std::chrono::milliseconds kLook{200};

struct Wanted {
  std::string directory;
  int wait_s = 5;
};

// A state of the catalog and one of the database, which is no older.
struct Pair {
  Pair(db::Connection& connection, const catalog::Directory& directory)
      : ours(require_current(directory)),
        theirs(connection),
        mirrors_rev(db::mirrors_rev(connection)) {}
  bool equal() const {
    return same_state(theirs.state(), ours->meta()) && mirrors_rev == ours->meta().mirrors_rev;
  }
  catalog::Snapshot ours;
  db::FeedSnapshot theirs;
  std::int64_t mirrors_rev;  // of theirs
};

std::unique_ptr<Pair> wait_for_feed(db::Connection& connection, const catalog::Directory& directory,
                                    int wait_s) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(wait_s);
  for (;;) {
    auto pair = std::make_unique<Pair>(connection, directory);
    if (pair->equal() || std::chrono::steady_clock::now() >= until) return pair;
    pair.reset();
    std::this_thread::sleep_for(kLook);
  }
}

void say_difference(const std::string& kind, const std::string& name,
                    const std::string& difference) {
  say(fmt::format("{}{}{}: {}", kind, name.empty() ? "" : " ", printable(name),
                  printable(difference)));
}

int run(Context& context, const Wanted& wanted) {
  const catalog::Directory directory = choose_directory(context, wanted.directory);
  db::Connection& connection = context.database();
  const auto pair = wait_for_feed(connection, directory, wanted.wait_s);
  const Comparison comparison = compare(pair->theirs, connection, *pair->ours, say_difference);
  pair->ours->check_undisturbed();
  const std::int64_t rev = pair->ours->meta().rev, newest = pair->theirs.state().rev;
  if (comparison.behind) {
    complain(fmt::format(
        "the catalog is at revision {}, the database at {}: later changes were not compared", rev,
        newest));
  }
  if (comparison.mirrors_behind)
    complain("the catalog has the mirrors of an earlier revision: they were not compared");
  const std::string compared = fmt::format(
      "{} files, {} links, {} cohorts, {} mirrors", grouped(comparison.files),
      grouped(comparison.links), grouped(comparison.cohorts), grouped(comparison.mirrors));
  if (comparison.differences == 0) {
    say(fmt::format("the catalog equals the database at revision {}: {}", rev, compared));
    return kSuccess;
  }
  const char* plural = comparison.differences == 1 ? "" : "s";
  complain(fmt::format("{} difference{} in {}", grouped(comparison.differences), plural, compared));
  return kFailure;
}

}  // namespace

Action setup_catalog_verify(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  add_directory_option(app, wanted->directory);
  app.add_option("--wait", wanted->wait_s,
                 "How long to wait for httpd to bring the catalog up to date (default 5)")
      ->type_name("SECONDS")
      ->between(0, 86400);
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
