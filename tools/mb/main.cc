// mb: the administrator's program. Reads the command line by the list of commands, runs one, and
// turns what went wrong into one line and an exit status: 0 done, 1 it did not work, 2 the command
// line makes no sense.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>

#include "config.h"
#include "core/nearest.h"
#include "tools/cli/color.h"
#include "tools/mb/commands.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

constexpr const char* kVersion = "mb (" PACKAGE_NAME ") " PACKAGE_VERSION;

// `--[no-]enabled` for what the parser would show as `--enabled,--no-enabled{false}`.
class Help : public CLI::Formatter {
 public:
  std::string make_option_name(const CLI::Option* option, bool positional) const override {
    const std::string name = CLI::Formatter::make_option_name(option, positional);
    const std::size_t negation = name.find(",--no-");
    return negation == std::string::npos ? name : "--[no-]" + name.substr(2, negation - 2);
  }
};

struct Leaf {
  CLI::App* app;
  std::unique_ptr<cli::Options> options;
  Action action;
};

void add_commands(CLI::App& parent, const std::vector<Command>& list, Context& context,
                  std::vector<Leaf>& leaves) {
  for (const Command& command : list) {
    CLI::App* app = parent.add_subcommand(command.name, command.summary);
    if (command.alias != nullptr) app->alias(command.alias);
    if (command.passes_arguments) {
      app->set_help_flag();
      app->prefix_command();
      app->fallthrough(false);  // which it has from its parent
    } else {
      app->set_version_flag("--version", kVersion, "Print the version and exit");
      app->fallthrough();
    }
    if (command.setup != nullptr) {
      auto options = std::make_unique<cli::Options>(*app);
      Action action = command.setup(*options, context);
      leaves.push_back({app, std::move(options), std::move(action)});
    } else {
      app->require_subcommand(1);
      add_commands(*app, command.subcommands, context, leaves);
    }
  }
}

CLI::App& deepest_parsed(CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return parsed.empty() ? app : deepest_parsed(*parsed.front());
}

std::string full_name(const CLI::App& app) {
  return app.get_parent() == nullptr ? "mb" : full_name(*app.get_parent()) + " " + app.get_name();
}

// What MirrorBrain's mb called otherwise, and has no alias.
const char* new_name(const CLI::App& app, std::string_view word) {
  if (app.get_parent() != nullptr) return nullptr;
  if (word == "vacuum") return "db vacuum";
  return word == "commentadd" ? "comment" : nullptr;
}

// The parser's own message for an unknown word does not help; this one names the command and what
// may have been meant.
std::string unknown_word(CLI::App& app, const std::string& word) {
  std::vector<std::string> known;
  if (word.starts_with('-')) {
    for (const CLI::Option* option : app.get_options()) {
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    }
    for (const char* global : {"--config", "--instance", "--color"}) known.push_back(global);
    return fmt::format("unknown option '{}'{}", word,
                       did_you_mean(word.substr(0, word.find('=')), known));
  }
  const auto subcommands = app.get_subcommands([](const CLI::App*) { return true; });
  if (const char* const name = new_name(app, word))
    return fmt::format("'{}' is `mb {}` now", word, name);
  if (subcommands.empty()) return fmt::format("one argument too many: '{}'", word);
  for (const CLI::App* sub : subcommands) {
    known.push_back(sub->get_name());
    for (const std::string& alias : sub->get_aliases()) known.push_back(alias);
  }
  return fmt::format("unknown command '{}'{}", word, did_you_mean(word, known));
}

bool needs_command(CLI::App& app) {
  return !app.get_subcommands([](const CLI::App*) { return true; }).empty();
}

// `mb nosuch --help`: there is no such help.
bool names_no_command(CLI::App& root) {
  const auto left = root.remaining(true);
  return !left.empty() && !left.front().starts_with('-') && needs_command(deepest_parsed(root));
}

int report_usage(CLI::App& root, const CLI::ParseError& error) {
  CLI::App& app = deepest_parsed(root);
  const auto left = root.remaining(true);
  const bool wants_command = needs_command(app);
  std::string what = error.what();
  const bool stray_option =
      !left.empty() && left.front().starts_with('-');  // a missing argument may be the lesser fault
  if (!left.empty() && (wants_command || stray_option || error.get_name() == "ExtrasError")) {
    what = unknown_word(app, left.front());
  } else if (wants_command && error.get_name() == "RequiredError") {
    what = "which command?";
  }
  const std::string name = full_name(app);
  complain(
      fmt::format("{}{}\nSee `{} --help`.", name == "mb" ? "" : name.substr(3) + ": ", what, name));
  return name == "mb status" ? kStatusUnknown : kUsage;
}

// The words for the parser, last one first as it takes them. `--column=` clears a column; the
// parser would miss a value there.
std::vector<std::string> reversed_words(int argc, char** argv) {
  std::vector<std::string> words;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const bool empty_value =
        word.starts_with("--") && word.size() > 3 && word.find('=') == word.size() - 1;
    words.emplace_back(word.substr(0, word.size() - empty_value));
    if (empty_value) words.emplace_back();
  }
  std::reverse(words.begin(), words.end());
  return words;
}

int run(int argc, char** argv) {
  Context context;
  CLI::App root("Manages the mirrors of mod_mirror.", "mb");
  root.set_version_flag("--version", kVersion, "Print the version and exit");
  root.add_option("--config", context.config_file,
                  "Configuration file (default: $MB_CONFIG, then " + default_config_file() + ")")
      ->type_name("FILE");
  root.add_option("--instance", context.instance_name,
                  "Section [instance.NAME] of the configuration")
      ->type_name("NAME");
  std::string color = "auto";
  root.add_option("--color", color, "Colours: auto (on terminals only), always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->type_name("WHEN");
  root.require_subcommand(1);
  const auto help = std::make_shared<Help>();
  help->column_width(34);
  root.formatter(help);
  root.footer(
      "Exit status: 0 done, 1 something failed, 2 the command line is wrong.\nThe manual: "
      "mb(1), mb.toml(5).");
  std::vector<Leaf> leaves;
  add_commands(root, commands(), context, leaves);
  try {
    root.parse(reversed_words(argc, argv));
  } catch (const CLI::Success& wanted) {  // --help, --version
    return names_no_command(root) ? report_usage(root, wanted)
                                  : root.exit(wanted, std::cout, std::cerr);
  } catch (const CLI::ParseError& error) {
    return report_usage(root, error);
  }
  cli::choose_color(color);
  for (const Leaf& leaf : leaves) {
    if (leaf.app->parsed()) return leaf.action();
  }
  return kUsage;
}

// The message of libpq or of the schema check, and where the connection string came from.
void complain_of_database(const std::string& what, bool connection) {
  complain(what);
  if (connection) {
    complain(
        "is the server running, and is `database` in the configuration (or PGHOST, PGDATABASE, …) "
        "right? See mb.toml(5).");
  }
}

int guarded(int argc, char** argv) {
  try {
    const int status = run(argc, argv);
    std::cout.flush();
    flush_output();
    return status;
  } catch (const OutputError& error) {
    if (!error.quiet) complain(error.what());
  } catch (const UsageError& error) {
    complain(error.what());
    return kUsage;
  } catch (const db::ConnectionError& error) {
    complain_of_database(error.what(), true);
  } catch (const db::Error& error) {
    complain_of_database(error.what(), false);
  } catch (const std::exception& error) {
    complain(error.what());
  }
  return kFailure;
}

}  // namespace
}  // namespace mirror::mb

int main(int argc, char** argv) { return mirror::mb::guarded(argc, argv); }
