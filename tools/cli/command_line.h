// The command line of a program without subcommands: what is the same in all of them (--help,
// --version, -v, --json, --config, --instance, wrong words) stands here. One thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "tools/cli/options.h"

namespace mirror::cli {

struct CommonOptions {
  bool verbose = false;
  bool json = false;
  std::optional<std::string> config_file, instance_name;  // for load_instance()
};

class CommandLine {
 public:
  // `purpose` is a sentence; `footer` stands below the options in --help.
  CommandLine(const std::string& program, const std::string& purpose, const std::string& footer);
  ~CommandLine();

  // Where the program adds its own options.
  Options& options() { return options_; }
  // Reads the words. `fault` looks at the options taken together and says what is wrong, or "".
  // Returns the exit status when there is nothing more to do: help or version were printed, or it
  // has been told what is wrong. REQUIRES: called once, with what the options point to still alive.
  std::optional<int> parse(int argc, char** argv, CommonOptions& common,
                           const std::function<std::string()>& fault);

 private:
  void add_common(CommonOptions& common);
  const std::string program_;
  std::unique_ptr<CLI::App> app_;
  Options options_;
};

}  // namespace mirror::cli
