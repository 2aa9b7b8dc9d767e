// What rsync is asked: its command line, from values that nobody trusts. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mirror::scanner {

struct RsyncJob {
  std::string url;              // of UrlKind::rsync (core/url.h)
  std::string directory;        // below the URL; "" or a path without a trailing slash
  bool may_be_missing = false;  // a directory that is not there is an empty listing
  std::vector<std::string> options;
  std::string password;  // "" for none; in the environment, not on the command line
  int connect_timeout_s = 30;
  int idle_timeout_s = 300;
  double max_minutes = 240;  // for the whole listing
};

// What is wrong with an rsync option, in words; nullopt for the harmless long options that a mirror
// may need. An option that runs programs, reads or writes files, or changes what the listing means
// is refused.
std::optional<std::string> rsync_option_fault(std::string_view option);
// The permitted options, for messages and the manual's check.
std::vector<std::string> permitted_rsync_options();

// The command line; the job's parts must be without fault.
std::vector<std::string> rsync_command(const RsyncJob& job);

// What the job lists, as a path from the module's root; "" is the root.
std::string listed_directory(const RsyncJob& job);

// rsync daemons expand `*`, `?` and `[` in a requested path and only then read a backslash as an
// escape.
std::string escape_rsync_path(std::string_view path);

// Where a tree's part lies in a mirror's module, which may hold more (strip_prefix) or less
// (add_prefix) than the tree.
struct Part {
  bool nothing = false;         // the module has nothing of the asked subtree
  std::string directory;        // to be listed, below the module's URL
  bool may_be_missing = false;  // it is a part of what the module should have
  std::string prefix;           // of the tree: goes before every listed path
};
Part part_of_module(std::string_view subtree, std::string_view strip_prefix,
                    std::string_view add_prefix);

}  // namespace mirror::scanner
