// The command line of mb-probe, with the configuration file's instance under it.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "config/instance.h"
#include "tools/cli/command_line.h"

namespace mirror::probe {

struct ProbeOptions : cli::CommonOptions {
  Instance instance;    // the command line's values take the place of the file's
  bool all = false;     // every enabled mirror, once
  bool loop = false;    // every enabled mirror, for ever
  bool forget = false;  // what probers found of them, instead of probing
  bool dry_run = false;
  std::vector<std::string> names;  // sorted
};

// The options, or the exit status when there is nothing more to do (help, version, a wrong command
// line: already told). Throws ConfigError.
std::variant<ProbeOptions, int> parse_options(int argc, char** argv);

}  // namespace mirror::probe
