// What a libpq connection string says, without connecting. Pure, except that libpq's parser reads
// its environment and service files. Any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace mirror::db {

// Service, host, port and database of a conninfo as text for logs: nothing of it is secret. Throws
// std::invalid_argument with the reason, which quotes no password of a URI, when the string cannot
// be read or names an impossible port.
std::string database_name(const std::string& conninfo);

// libpq's keywords and values.
using ConnectionOptions = std::vector<std::pair<std::string, std::string>>;

// With each list below, TCP notices within two minutes that the peer is silent: keep-alive probes
// and tcp_user_timeout are on, whatever the string says, and at most kSilenceSeconds.
inline constexpr int kSilenceSeconds = 120;
inline constexpr int kProbeAfterSeconds = 60, kProbeEverySeconds = 10, kProbes = 6;

// The whole string, for libpq to try its hosts. Throws as database_name does.
ConnectionOptions all_hosts(const std::string& conninfo);

// The hosts that libpq would try one after another, one attempt each. libpq gives up a silent host
// only when it blocks, so code that connects without blocking must limit each attempt itself. At
// least one attempt; libpq itself refuses bad values. Throws as database_name does.
std::vector<ConnectionOptions> single_hosts(const std::string& conninfo);

// The variables (NAME=value) by which PostgreSQL's own programs connect in the same way, so that no
// password stands on their command line. What has no variable, as the keep-alive settings, is left
// out. Throws as database_name does.
std::vector<std::string> environment_of(const std::string& conninfo);

}  // namespace mirror::db
