// What a method shall list. A plain value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mirror::scanner {

// What is wrong, as text after "it cannot be used:"; nullopt: nothing.
using Fault = std::optional<std::string>;

struct Target {
  std::string url;                   // without fault by the method's rules
  std::string directory;             // below the URL; "" or a path without a trailing slash
  bool is_source = false;            // not a mirror of it
  bool may_be_missing = false;       // a directory that is not there is an empty listing
  std::vector<std::string> options;  // the method's own, without fault
  std::string password_file;         // "": none is needed
  std::string user_agent, ca_file;   // of web clients; FTP and rsync-ssl need ca_file only
  std::string contact;               // who scans; "": not told
  int connect_timeout_s = 30;
  int idle_timeout_s = 300;
  double max_minutes = 240;              // for the whole listing
  std::int64_t head_budget = 100000;     // files that a method which asks for each may ask for
  std::vector<std::string> server_urls;  // our own, each ends in '/': nothing there is a mirror's
};

}  // namespace mirror::scanner
