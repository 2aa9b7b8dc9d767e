// mb-hash: reads the files of a local source and stores their hashes.
#include <fmt/format.h>

#include "core/path.h"
#include "db/schema.h"
#include "db/session.h"
#include "os/stop_signal.h"
#include "run.h"
#include "tools/cli/guard.h"

namespace mirror::hash {
namespace {

int run(int argc, char** argv) {
  const std::variant<HashCommand, int> parsed = parse_options(argc, argv);
  if (const int* const status = std::get_if<int>(&parsed)) return *status;
  const HashCommand& options = std::get<HashCommand>(parsed);
  const bool import = !options.import_file.empty();
  if (!import && !options.instance.source.starts_with('/')) {
    throw ConfigError(
        fmt::format("instance '{}' has no local source to read: set source = \"/DIRECTORY\" in the "
                    "configuration file",
                    printable(options.instance.name)));
  }
  const StopSignal stop;
  {
    db::Connection connection =
        db::open_merge_session(options.instance.database, "mb-hash", stop.asked());
    db::require_schema(connection);
  }
  HashReport report(options.json, options.verbose);
  const Counts counts =
      import ? import_list(options, report, stop) : hash_or_verify(options, report, stop);
  report.summary(counts);
  return exit_status(counts);
}

}  // namespace
}  // namespace mirror::hash

int main(int argc, char** argv) {
  return mirror::cli::guarded("mb-hash", [&] { return mirror::hash::run(argc, argv); });
}
