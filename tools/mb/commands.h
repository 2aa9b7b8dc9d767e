// The commands of mb: one list (commands.cc), from which parsing and help are made; each command in
// a file of its own.
#pragma once

#include <functional>
#include <vector>
#include "tools/cli/options.h"

#include "tools/mb/context.h"

namespace mirror::mb {

// Runs a command after its arguments are read; returns the exit status.
using Action = std::function<int()>;
// Adds the command's options to its parser. The Action holds what they are read into.
using Setup = Action (*)(cli::Options& app, Context& context);

struct Command {
  const char* name;
  const char* summary;
  Setup setup;  // nullptr: it has subcommands
  std::vector<Command> subcommands;
  const char* alias = nullptr;    // as administrators of older redirectors know it
  bool passes_arguments = false;  // everything after its name goes to another program
};
const std::vector<Command>& commands();

Action setup_new(cli::Options&, Context&);
Action setup_list(cli::Options&, Context&);
Action setup_show(cli::Options&, Context&);
Action setup_edit(cli::Options&, Context&);
Action setup_rename(cli::Options&, Context&);
Action setup_enable(cli::Options&, Context&);
Action setup_disable(cli::Options&, Context&);
Action setup_pause(cli::Options&, Context&);
Action setup_resume(cli::Options&, Context&);
Action setup_weight(cli::Options&, Context&);
Action setup_delete(cli::Options&, Context&);
Action setup_prefix(cli::Options&, Context&);
Action setup_comment(cli::Options&, Context&);
Action setup_scan(cli::Options&, Context&);
Action setup_test(cli::Options&, Context&);
Action setup_probefile(cli::Options&, Context&);
Action setup_file_ls(cli::Options&, Context&);
Action setup_file_add(cli::Options&, Context&);
Action setup_file_rm(cli::Options&, Context&);
Action setup_dirs(cli::Options&, Context&);
Action setup_mirrorlist(cli::Options&, Context&);
Action setup_top(cli::Options&, Context&);
Action setup_update(cli::Options&, Context&);
Action setup_timestamp(cli::Options&, Context&);
Action setup_why_not(cli::Options&, Context&);
Action setup_geo(cli::Options&, Context&);
Action setup_rules(cli::Options&, Context&);
Action setup_events(cli::Options&, Context&);
Action setup_log(cli::Options&, Context&);
Action setup_status(cli::Options&, Context&);
Action setup_notify(cli::Options&, Context&);
Action setup_compare(cli::Options&, Context&);
Action setup_explain(cli::Options&, Context&);
Action setup_import_json(cli::Options&, Context&);
Action setup_import_csv(cli::Options&, Context&);
Action setup_import_mirrorbrain(cli::Options&, Context&);
Action setup_import_mirrorbits(cli::Options&, Context&);
Action setup_import_mirrorcache(cli::Options&, Context&);
Action setup_import_mirrormanager(cli::Options&, Context&);
Action setup_import_masterlist(cli::Options&, Context&);
Action setup_import_gentoo(cli::Options&, Context&);
Action setup_export_json(cli::Options&, Context&);
Action setup_export_csv(cli::Options&, Context&);
Action setup_export_mirmon(cli::Options&, Context&);
Action setup_export_nginx(cli::Options&, Context&);
Action setup_export_rsyncd(cli::Options&, Context&);
Action setup_iplookup(cli::Options&, Context&);
Action setup_instances(cli::Options&, Context&);
Action setup_catalog_status(cli::Options&, Context&);
Action setup_catalog_verify(cli::Options&, Context&);
Action setup_catalog_dump(cli::Options&, Context&);
Action setup_catalog_export(cli::Options&, Context&);
Action setup_catalog_import(cli::Options&, Context&);
Action setup_db_init(cli::Options&, Context&);
Action setup_db_migrate(cli::Options&, Context&);
Action setup_db_version(cli::Options&, Context&);
Action setup_db_check(cli::Options&, Context&);
Action setup_db_sizes(cli::Options&, Context&);
Action setup_db_vacuum(cli::Options&, Context&);
Action setup_db_backup(cli::Options&, Context&);
Action setup_db_restore(cli::Options&, Context&);
Action setup_db_password(cli::Options&, Context&);
Action setup_db_shell(cli::Options&, Context&);

// Disables a mirror with this server's own URL, and says so. Returns true if the mirror has no such
// URL or is not enabled.
bool keep_own_url_out(Context& context, const Mirror& mirror);

}  // namespace mirror::mb
