// What a mirror offers, as mb-scan finds it out for `mb new URL`.
#pragma once

#include <string>
#include <vector>

#include "db/mirror/mirrors.h"
#include "tools/mb/context.h"

namespace mirror::mb {

struct Discovered {
  std::vector<db::Change> columns;
  std::vector<std::string> lines;  // what was found, for people
  std::string warning, refusal;    // "": none
};

struct DiscoveryOptions {
  std::string rsync_host, ftp_host;  // "": the URL's
  int within_s = 30;
};

// Shows a line of progress on a terminal. Throws Failure when mb-scan cannot be run or fails.
Discovered discover_mirror(Context& context, const std::string& url,
                           const DiscoveryOptions& options);

// A mirror's name by its URL's host.
std::string identifier_of_url(const std::string& url);

}  // namespace mirror::mb
