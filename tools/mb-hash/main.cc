// mb-hash: reads the files of a local source and stores their hashes.
#include <fmt/format.h>
#include <signal.h>

#include <cstdio>
#include <exception>

#include "core/path.h"
#include "database.h"
#include "db/schema.h"
#include "pg/connection.h"
#include "run.h"

namespace mirror::hash {
namespace {

std::atomic<bool> g_stop{false};  // for the signal handler
static_assert(std::atomic<bool>::is_always_lock_free);

// The first signal asks; the second (SA_RESETHAND) ends the program.
void catch_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { g_stop = true; };
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaction(signal, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

int run(int argc, char** argv) {
  const std::variant<Options, int> parsed = parse_options(argc, argv);
  if (const int* const status = std::get_if<int>(&parsed)) return *status;
  const Options& options = std::get<Options>(parsed);
  const bool import = !options.import_file.empty();
  if (!import && !options.instance.source.starts_with('/')) {
    throw ConfigError(
        fmt::format("instance '{}' has no local source to read: set source = \"/DIRECTORY\" in the "
                    "configuration file",
                    printable(options.instance.name)));
  }
  catch_signals();
  {
    db::Connection connection = connect(options, g_stop);
    db::require_schema(connection);
  }
  Report report(options.json, options.verbose);
  const Counts counts =
      import ? import_list(options, report, g_stop) : hash_or_verify(options, report, g_stop);
  report.summary(counts);
  return exit_status(counts);
}

}  // namespace
}  // namespace mirror::hash

int main(int argc, char** argv) {
  try {
    return mirror::hash::run(argc, argv);
  } catch (const mirror::db::Error& error) {
    fmt::print(stderr, "mb-hash: database: {}\n", error.what());
  } catch (const std::exception& error) {
    fmt::print(stderr, "mb-hash: {}\n", error.what());
  }
  return mirror::hash::kExitUsage;
}
