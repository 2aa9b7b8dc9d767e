// The command line of mb-scan, with the configuration file's instance under it: one table of
// options in options.cc.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "config/instance.h"
#include "tools/cli/command_line.h"

namespace mirror::scanner {

struct ScanOptions : cli::CommonOptions {
  Instance instance;  // the command line's values take the place of the file's
  bool source = false;
  bool watch = false;  // the source, until told to stop
  bool all = false;
  bool work = false;   // what is due, by the queue
  bool once = false;   // until nothing is due any more
  std::string near;    // of which region or country mirrors come first; "": of all
  bool queue = false;  // show it
  std::vector<std::string> names;
  std::string subtree;  // "" or a valid path without a trailing slash
  std::string report;   // the mirror's own, instead of asking it: a file, or "-"
  bool enable = false;
  bool force = false;
  bool break_lock = false;                 // end another scan's session that is in the way
  std::vector<std::string> rsync_options;  // for every mirror, beside its own
  // What a mirror offers: its URL, and where else its rsync and FTP servers are; "": nothing asked.
  std::string discovered_url, rsync_host, ftp_host;
  bool test = false;          // whether the named mirrors are well
  int test_files = 3;         // that it asks each of them for
  std::string asked_path;     // "": nothing asked; else a path that mirrors are asked for
  std::string asked_scheme;   // "": https where a mirror has it
  int within_s = 30;          // all that is looked at of it
  std::string password_file;  // instead of the mirror's own
};

// The options, or the exit status when there is nothing more to do (help, version, a wrong command
// line: already told). Throws ConfigError.
std::variant<ScanOptions, int> parse_options(int argc, char** argv);

}  // namespace mirror::scanner
