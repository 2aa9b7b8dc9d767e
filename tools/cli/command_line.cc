#include "tools/cli/command_line.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "config.h"
#include "tools/cli/exit_status.h"

namespace mirror::cli {

CommandLine::CommandLine(const std::string& program, const std::string& purpose,
                         const std::string& footer)
    : program_(program), app_(std::make_unique<CLI::App>(purpose, program)), options_(*app_) {
  app_->footer(footer);
}

CommandLine::~CommandLine() = default;

void CommandLine::add_common(CommonOptions& common) {
  options_.add_flag("-v,--verbose", common.verbose, "say more");
  options_.add_flag("--json", common.json, "one JSON object a line");
  options_.add_option("--config", common.config_file, "configuration file")->type_name("FILE");
  options_.add_option("--instance", common.instance_name, "section of the configuration file")
      ->type_name("NAME");
  app_->set_version_flag("--version", program_ + " (" PACKAGE_NAME ") " PACKAGE_VERSION);
}

std::optional<int> CommandLine::parse(int argc, char** argv, CommonOptions& common,
                                      const std::function<std::string()>& fault) {
  add_common(common);
  std::string wrong;
  try {
    app_->parse(argc, argv);
    wrong = fault();
  } catch (const CLI::Success& done) {  // --help, --version
    return app_->exit(done);
  } catch (const CLI::ParseError& error) {
    wrong = error.what();
  }
  if (wrong.empty()) return std::nullopt;
  fmt::print(stderr, "{0}: {1}\n{0} --help explains the options\n", program_, wrong);
  return kUsage;
}

}  // namespace mirror::cli
