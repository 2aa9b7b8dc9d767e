#include "scanner/probe/probe_options.h"

#include <algorithm>
#include <optional>

namespace mirror::probe {
namespace {

constexpr double kDayS = 86400;
constexpr const char* kFooter =
    "\nExit status: 0 all are up, 1 some are down, lack files or could not be probed, 2 wrong "
    "usage, or our "
    "own "
    "network has trouble, 3 wrong configuration or no database.\n"
    "Examples:\n"
    "  mb-probe ftp.example.org      probe one mirror now\n"
    "  mb-probe --all                probe every enabled mirror once\n"
    "  mb-probe --loop               probe every enabled mirror each minute, as a service";

struct Given {
  std::optional<int> interval_s, timeout_s;
};

void add_options(cli::Options& app, ProbeOptions& options, Given& given) {
  app.add_option("NAME", options.names, "mirrors to probe once, by identifier");
  app.add_flag("--all", options.all, "probe every enabled mirror once");
  app.add_flag("--loop", options.loop, "probe every enabled mirror for ever, as a service");
  app.add_flag("--forget", options.forget,
               "probe nothing: forget what was found of them, so that they count as up");
  app.add_flag("-n,--dry-run", options.dry_run, "write nothing into the database");
  app.add_option("--interval", given.interval_s, "seconds from one probe of a mirror to the next")
      ->between(1, kDayS)
      ->type_name("S");
  app.add_option("--timeout", given.timeout_s, "seconds until a mirror must have answered")
      ->between(1, 300)
      ->type_name("S");
}

// What is wrong with the options taken together; "" when nothing is.
std::string fault(const ProbeOptions& options) {
  if (options.forget && (options.loop || options.dry_run))
    return "give --forget with names of mirrors, or with --all";
  if (options.all && options.loop) return "give --all or --loop, not both";
  if ((options.all || options.loop) && !options.names.empty())
    return "give --all, --loop or names of mirrors, not several of them";
  if (!options.all && !options.loop && options.names.empty()) {
    return "nothing to do: name mirrors, or say --all for every enabled mirror, or --loop to probe "
           "them for ever";
  }
  return "";
}

}  // namespace

std::variant<ProbeOptions, int> parse_options(int argc, char** argv) {
  ProbeOptions options;
  Given given;
  cli::CommandLine line(
      "mb-probe", "Asks mirrors whether they answer, and takes redirects from those that do not.",
      kFooter);
  add_options(line.options(), options, given);
  const std::optional<int> status =
      line.parse(argc, argv, options, [&options] { return fault(options); });
  if (status) return *status;
  options.instance = load_instance(options.config_file, options.instance_name);
  if (given.interval_s) options.instance.probe_interval_s = *given.interval_s;
  if (given.timeout_s) options.instance.probe_timeout_s = *given.timeout_s;
  std::sort(options.names.begin(), options.names.end());
  options.names.erase(std::unique(options.names.begin(), options.names.end()), options.names.end());
  return options;
}

}  // namespace mirror::probe
