// Whom `mb notify` tells, as mb.toml says it. Plain values.
#pragma once

#include <string>
#include <vector>

namespace mirror {

// One [[notify]]: whom `mb notify` tells what changed of the mirrors. Just one of command, email,
// operators, webhook and webhook_file is given.
struct NotifyTarget {
  std::string name;                   // what was sent is remembered under it
  std::string instance;               // of this one only; "": of all
  std::vector<std::string> command;   // the notice as JSON on stdin
  std::vector<std::string> email;     // addresses
  bool operators = false;             // each mirror's own admin_email, of its events alone
  std::string webhook, webhook_file;  // URL, or the file that has it in its first line
  std::string form = "json";          // of the webhook: json, slack, discord, matrix, ntfy
  std::string token_file;             // sent as `Authorization: Bearer …`
  std::string from;                   // of e-mails; "": the system's
  std::string sendmail = "/usr/sbin/sendmail";
  std::vector<std::string> events;           // the new states to tell; empty: all
  std::vector<std::string> mirrors = {"*"};  // patterns of identifiers
  int group_s = 300;                         // how long changes are gathered
  int max_per_hour = 12;                     // notices
  int timeout_s = 20;
};

}  // namespace mirror
