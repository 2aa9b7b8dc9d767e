// The command line of mb-hash, with the configuration file's instance under it.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "config/instance.h"
#include "tools/cli/command_line.h"

namespace mirror::hash {

struct HashCommand : cli::CommonOptions {
  Instance instance;                  // the command line's values take the place of the file's
  std::vector<std::string> subtrees;  // valid paths without a trailing slash; one "" for everything
  bool verify = false;
  bool force = false;
  std::string import_file;  // "" for none, "-" for standard input
};

// The options, or the exit status when there is nothing more to do. Throws ConfigError.
std::variant<HashCommand, int> parse_options(int argc, char** argv);

}  // namespace mirror::hash
