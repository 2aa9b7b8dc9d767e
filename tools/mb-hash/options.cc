#include "options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <optional>
#include <thread>

#include "config.h"
#include "core/path.h"

namespace mirror::hash {
namespace {

constexpr const char* kFooter =
    "\nExit status: 0 all worked, 1 some failed or differ, 2 none worked, 3 wrong usage or "
    "configuration, or no database.\n"
    "Examples:\n"
    "  mb-hash                       read what is new or changed\n"
    "  mb-hash pool/main             only below this directory\n"
    "  mb-hash --verify              read everything, report what differs, change nothing\n"
    "  mb-hash --import SHA256SUMS   take digests from a list instead of reading";

struct Given {
  std::optional<std::string> config, instance;
  std::optional<int> jobs;
  std::optional<std::int64_t> max_rate;
};

void add_options(CLI::App& app, Options& options, Given& given) {
  app.add_option("SUBTREE", options.subtrees, "only these parts of the tree");
  app.add_flag("--verify", options.verify,
               "read all that has hashes, report what differs, change nothing");
  app.add_option("--import", options.import_file,
                 "take digests from a list (SHA256SUMS style; - for standard input)")
      ->type_name("FILE");
  app.add_flag("--force", options.force, "read what is known too; with --import, let the list win");
  app.add_option("--max-rate", given.max_rate, "read at most so many bytes a second (K, M, G)")
      ->transform(CLI::AsSizeValue(false))
      ->type_name("RATE");
  app.add_option("-j,--jobs", given.jobs, "threads (one for each core)")
      ->check(CLI::Range(1, 256))
      ->type_name("N");
  app.add_flag("-v,--verbose", options.verbose, "say more: a line for every file");
  app.add_flag("--json", options.json, "one JSON object a line");
  app.add_option("--config", given.config, "configuration file")->type_name("FILE");
  app.add_option("--instance", given.instance, "section of the configuration file")
      ->type_name("NAME");
  app.set_version_flag("--version", "mb-hash (mod_mirror) " PACKAGE_VERSION);
}

// What is wrong with the options taken together; "" when nothing is.
std::string fault(Options& options) {
  if (options.verify && (options.force || !options.import_file.empty()))
    return "--verify goes without --force and --import";
  for (std::string& subtree : options.subtrees) {
    while (subtree.size() > 1 && subtree.ends_with('/')) subtree.pop_back();
    const PathFault path = check_path(subtree);
    if (path != PathFault::none)
      return fmt::format("{}: {}", printable(subtree), path_fault_text(path));
  }
  if (!options.import_file.empty() && options.subtrees.size() > 1)
    return "--import takes one SUBTREE, below which the names are";
  // One inside another is read with it.
  std::sort(options.subtrees.begin(), options.subtrees.end());
  std::vector<std::string> outer;
  for (const std::string& subtree : options.subtrees) {
    const bool inside = std::any_of(outer.begin(), outer.end(), [&](const std::string& other) {
      return subtree == other || subtree.starts_with(other + '/');
    });
    if (!inside) outer.push_back(subtree);
  }
  options.subtrees = outer.empty() ? std::vector<std::string>{""} : outer;
  return "";
}

}  // namespace

std::variant<Options, int> parse_options(int argc, char** argv) {
  Options options;
  Given given;
  CLI::App app("Reads the files of a local source and stores their hashes.", "mb-hash");
  app.footer(kFooter);
  add_options(app, options, given);
  std::string wrong;
  try {
    app.parse(argc, argv);
    wrong = fault(options);
  } catch (const CLI::Success& done) {
    return app.exit(done);
  } catch (const CLI::ParseError& error) {
    wrong = error.what();
  }
  if (!wrong.empty()) {
    fmt::print(stderr, "mb-hash: {}\nmb-hash --help explains the options\n", wrong);
    return kExitUsage;
  }
  Instance& instance = options.instance = load_instance(given.config, given.instance);
  if (given.jobs) instance.hash.jobs = *given.jobs;
  if (given.max_rate) instance.hash.max_rate = *given.max_rate;
  if (instance.hash.jobs == 0)
    instance.hash.jobs = std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 256);
  return options;
}

}  // namespace mirror::hash
