// mb-scan: lists the source and the mirrors into the database.
#include <fmt/format.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <system_error>

#include "core/nearest.h"
#include "core/path.h"
#include "db/merge/scan.h"
#include "db/mirror/mirrors.h"
#include "db/schema.h"
#include "pg/connection.h"
#include "scanner/scan/batch.h"
#include "scanner/scan/database.h"

namespace mirror::scanner {
namespace {

constexpr std::int64_t kMaxJoinedFiles = 200'000;  // a fraction of a second under the merge lock

int g_stop_fd = -1;  // for the signal handler only

// The first signal asks; the second (SA_RESETHAND) ends the program, and the kernel its rsyncs.
void ask_to_stop(int) {
  const int error = errno;
  const std::uint64_t one = 1;
  stop_database_waits();
  if (write(g_stop_fd, &one, sizeof one) < 0) _exit(kExitUsage);
  errno = error;
}

int catch_signals() {
  g_stop_fd = eventfd(0, EFD_CLOEXEC);
  if (g_stop_fd < 0)
    throw std::system_error(errno, std::generic_category(), "cannot make an eventfd");
  struct sigaction action {};
  action.sa_handler = ask_to_stop;
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaction(signal, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return g_stop_fd;
}

// The mirrors to scan; unknown names are told and counted in `unknown`.
std::vector<db::MirrorRecord> chosen_mirrors(db::Connection& connection, const Options& options,
                                             Reporter& reporter, int& unknown) {
  db::require_schema(connection);
  std::vector<db::MirrorRecord> mirrors = db::list_mirrors(connection);
  if (options.all) {
    std::erase_if(mirrors, [](const db::MirrorRecord& record) { return !record.mirror.enabled; });
    return mirrors;
  }
  std::vector<std::string> known;
  for (const db::MirrorRecord& record : mirrors) known.push_back(record.mirror.identifier);
  for (const std::string& name : options.names) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    ++unknown;
    reporter.warning(fmt::format("mirror '{}': there is no such mirror{}", printable(name),
                                 did_you_mean(name, known)));
  }
  std::erase_if(mirrors, [&](const db::MirrorRecord& record) {
    return !std::binary_search(options.names.begin(), options.names.end(),
                               record.mirror.identifier);
  });
  return mirrors;
}

int exit_status(const Totals& totals) {
  if (totals.failed == 0) return 0;
  return totals.worked > 0 ? 1 : 2;
}

int run_source(const Options& options, int stop_fd) {
  if (options.instance.source.empty()) {
    throw ConfigError(
        fmt::format("instance '{}' has no source: set source = \"/DIRECTORY\" or \"rsync://…\" in "
                    "the configuration file",
                    printable(options.instance.name)));
  }
  Lent connection(connect(options));
  db::require_schema(*connection);
  Reporter reporter(options.json, options.verbose, 0);
  return exit_status(scan_the_source(options, reporter, stop_fd, connection));
}

int run_mirrors(const Options& options, int stop_fd) {
  std::size_t name_width = 0;
  Totals totals;
  std::vector<db::MirrorRecord> mirrors;
  Lent connection(connect(options));
  {
    Reporter early(options.json, options.verbose, 0);
    mirrors = chosen_mirrors(*connection, options, early, totals.failed);
    if (options.all && mirrors.empty()) early.warning("no mirror is enabled: nothing to scan");
  }
  for (const db::MirrorRecord& record : mirrors)
    name_width = std::max(name_width, record.mirror.identifier.size());
  Reporter reporter(options.json, options.verbose, name_width);
  const Totals scanned = scan_mirrors(mirrors, options, reporter, stop_fd, connection);
  totals.worked += scanned.worked;
  totals.failed += scanned.failed;
  totals.seconds = scanned.seconds;
  if (scanned.worked > 0) {
    try {
      if (!connection || connection->broken()) connection = connect(options);
      const std::int64_t moved = db::join_cohorts(*connection, kMaxJoinedFiles);
      if (moved > 0) reporter.detail(fmt::format("joined equal cohorts, moving {} files", moved));
    } catch (const db::Error& error) {
      reporter.warning(
          fmt::format("joining equal cohorts failed, the next scan tries again: {}", error.what()));
    }
  }
  if (options.json || totals.worked + totals.failed > 1) reporter.totals(totals);
  return exit_status(totals);
}

int run(int argc, char** argv) {
  const std::variant<Options, int> parsed = parse_options(argc, argv);
  if (const int* const status = std::get_if<int>(&parsed)) return *status;
  const Options& options = std::get<Options>(parsed);
  const int stop_fd = catch_signals();
  return options.source ? run_source(options, stop_fd) : run_mirrors(options, stop_fd);
}

}  // namespace
}  // namespace mirror::scanner

int main(int argc, char** argv) {
  try {
    return mirror::scanner::run(argc, argv);
  } catch (const mirror::db::Error& error) {
    fmt::print(stderr, "mb-scan: database: {}\n", error.what());
  } catch (const std::exception& error) {
    fmt::print(stderr, "mb-scan: {}\n", error.what());
  }
  return mirror::scanner::kExitUsage;
}
