#include "hash_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/path.h"

namespace mirror::hash {
namespace {

constexpr const char* kFooter =
    "\nExit status: 0 all worked, 1 some failed or differ, 2 none worked or wrong usage, 3 "
    "wrong configuration or no database.\n"
    "Examples:\n"
    "  mb-hash                       read what is new or changed\n"
    "  mb-hash pool/main             only below this directory\n"
    "  mb-hash --verify              read everything, report what differs, change nothing\n"
    "  mb-hash --import SHA256SUMS   take digests from a list instead of reading";

struct Given {
  std::optional<int> jobs;
  std::optional<std::int64_t> max_rate;
};

void add_options(cli::Options& app, HashCommand& options, Given& given) {
  app.add_option("SUBTREE", options.subtrees, "only these parts of the tree");
  app.add_flag("--verify", options.verify,
               "read all that has hashes, report what differs, change nothing");
  app.add_option("--import", options.import_file,
                 "take digests from a list (SHA256SUMS style; - for standard input)")
      ->type_name("FILE");
  app.add_flag("--force", options.force,
               "read files whose hashes are known too; with --import, replace digests that differ");
  app.add_option("--max-rate", given.max_rate, "read at most so many bytes a second (K, M, G)")
      ->in_bytes()
      ->type_name("RATE");
  app.add_option("-j,--jobs", given.jobs, "threads (one for each core)")
      ->between(1, 256)
      ->type_name("N");
}

// What is wrong with the options taken together; "" when nothing is.
std::string fault(HashCommand& options) {
  if (options.verify && (options.force || !options.import_file.empty()))
    return "--verify cannot be combined with --force or --import";
  for (std::string& subtree : options.subtrees) {
    while (subtree.size() > 1 && subtree.ends_with('/')) subtree.pop_back();
    const PathFault path = check_path(subtree);
    if (path != PathFault::none)
      return fmt::format("{}: {}", printable(subtree), path_fault_text(path));
  }
  if (!options.import_file.empty() && options.subtrees.size() > 1)
    return "--import takes only one SUBTREE, to which the names are relative";
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

std::variant<HashCommand, int> parse_options(int argc, char** argv) {
  HashCommand options;
  Given given;
  cli::CommandLine line("mb-hash", "Reads the files of a local source and stores their hashes.",
                        kFooter);
  add_options(line.options(), options, given);
  const std::optional<int> status =
      line.parse(argc, argv, options, [&options] { return fault(options); });
  if (status) return *status;
  Instance& instance = options.instance = load_instance(options.config_file, options.instance_name);
  if (given.jobs) instance.hash.jobs = *given.jobs;
  if (given.max_rate) instance.hash.max_rate = *given.max_rate;
  return options;
}

}  // namespace mirror::hash
