// mb-hash: reads the files of a local source and stores their hashes.
#include <fmt/format.h>

#include "core/path.h"
#include "db/schema.h"
#include "db/session.h"
#include "hashing/run.h"
#include "import.h"
#include "os/stop_signal.h"
#include "tools/cli/guard.h"
#include "tools/cli/naming_config.h"

namespace mirror::hash {
namespace {

db::Connection connect(const HashCommand& options, const StopSignal& stop) {
  return cli::naming_config(options.instance, [&] {
    return db::open_merge_session(options.instance.database, "mb-hash", stop.asked());
  });
}

Plan plan_of(const HashCommand& options, const StopSignal& stop) {
  Plan plan;
  plan.source = options.instance.source;
  plan.ca_file = options.instance.probe_ca;
  plan.subtrees = options.subtrees;
  plan.kinds = options.instance.hash.kinds;
  plan.threads = options.instance.hash.jobs;
  plan.max_bytes_per_s = options.instance.hash.max_rate;
  plan.verify = options.verify;
  plan.force = options.force;
  plan.connect = [&options, &stop] { return connect(options, stop); };
  return plan;
}

int run(int argc, char** argv) {
  const std::variant<HashCommand, int> parsed = parse_options(argc, argv);
  if (const int* const status = std::get_if<int>(&parsed)) return *status;
  const HashCommand& options = std::get<HashCommand>(parsed);
  const bool import = !options.import_file.empty();
  const std::string& source = options.instance.source;
  if (!import && !source.starts_with('/') && !source.starts_with("s3://")) {
    throw ConfigError(fmt::format(
        "instance '{}' has no local source or bucket to read: set source = \"/DIRECTORY\" in the "
        "configuration file {}",
        printable(options.instance.name), config_file_text(options.instance)));
  }
  const StopSignal stop;
  {
    db::Connection connection = connect(options, stop);
    db::require_schema(connection);
  }
  HashReport report(options.json, options.verbose);
  const Counts counts = import ? import_list(options, report, stop)
                               : hash_or_verify(plan_of(options, stop), report, stop);
  report.summary(counts);
  return exit_status(counts);
}

}  // namespace
}  // namespace mirror::hash

int main(int argc, char** argv) {
  return mirror::cli::guarded("mb-hash", [&] { return mirror::hash::run(argc, argv); });
}
