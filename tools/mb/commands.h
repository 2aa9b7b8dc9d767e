// The commands of mb: one list (commands.cc), from which parsing and help are made; each command in
// a file of its own.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <vector>

#include "context.h"

namespace mirror::mb {

// What a command does once its arguments are read; returns the exit status.
using Action = std::function<int()>;
// Adds the command's options to its parser. The Action holds what they are read into.
using Setup = Action (*)(CLI::App& app, Context& context);

struct Command {
  const char* name;
  const char* summary;
  Setup setup;  // nullptr: it has subcommands
  std::vector<Command> subcommands;
  const char* alias = nullptr;    // as administrators of older redirectors know it
  bool passes_arguments = false;  // everything after its name goes to another program
};
const std::vector<Command>& commands();

Action setup_new(CLI::App&, Context&);
Action setup_list(CLI::App&, Context&);
Action setup_show(CLI::App&, Context&);
Action setup_edit(CLI::App&, Context&);
Action setup_rename(CLI::App&, Context&);
Action setup_enable(CLI::App&, Context&);
Action setup_disable(CLI::App&, Context&);
Action setup_weight(CLI::App&, Context&);
Action setup_delete(CLI::App&, Context&);
Action setup_prefix(CLI::App&, Context&);
Action setup_scan(CLI::App&, Context&);
Action setup_file_ls(CLI::App&, Context&);
Action setup_explain(CLI::App&, Context&);
Action setup_iplookup(CLI::App&, Context&);
Action setup_instances(CLI::App&, Context&);
Action setup_catalog_status(CLI::App&, Context&);
Action setup_catalog_verify(CLI::App&, Context&);
Action setup_catalog_dump(CLI::App&, Context&);
Action setup_catalog_export(CLI::App&, Context&);
Action setup_catalog_import(CLI::App&, Context&);
Action setup_db_init(CLI::App&, Context&);
Action setup_db_migrate(CLI::App&, Context&);
Action setup_db_version(CLI::App&, Context&);
Action setup_db_check(CLI::App&, Context&);

}  // namespace mirror::mb
