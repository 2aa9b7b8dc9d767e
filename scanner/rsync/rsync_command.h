// rsync's command line, made from untrusted values. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scanner/list/target.h"

namespace mirror::scanner {

// What is wrong with an rsync URL, as text; nullopt if rsync may get it.
Fault rsync_url_fault(std::string_view url);

// What is wrong with an rsync option, in words; nullopt for the harmless long options that a mirror
// may need, and for the word `ssl`. An option that runs programs, reads or writes files, or changes
// what the listing means is refused.
Fault rsync_option_fault(std::string_view option);
// The permitted options, for messages and the manual's check.
std::vector<std::string> permitted_rsync_options();

// Whether rsync's own script rsync-ssl is to be run in place of rsync.
bool uses_ssl(const Target& target);
// The command line, without the password.
std::vector<std::string> rsync_command(const Target& target);

// What rsync lists, as a path from the module's root; "" is the root.
std::string listed_directory(const Target& target);

// rsync daemons expand `*`, `?` and `[` in a requested path and only then read a backslash as an
// escape.
std::string escape_rsync_path(std::string_view path);

}  // namespace mirror::scanner
