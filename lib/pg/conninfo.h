// What a libpq connection string says, without connecting. Pure but for libpq's own parser, which
// reads its environment and service files; usable from any thread.
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

// Every list below makes TCP notice a peer that has gone silent within two minutes: keep-alive
// probes and tcp_user_timeout are on, whatever the string says, and no longer than kSilenceSeconds.
inline constexpr int kSilenceSeconds = 120;
inline constexpr int kProbeAfterSeconds = 60, kProbeEverySeconds = 10, kProbes = 6;

// The whole string, for libpq to try its hosts. Throws as database_name does.
ConnectionOptions all_hosts(const std::string& conninfo);

// What libpq would try one after another, as attempts at one host each. libpq gives up a silent
// host only where it blocks; who connects without blocking has to bound each attempt himself. At
// least one; what libpq will refuse is left to it. Throws as database_name does.
std::vector<ConnectionOptions> single_hosts(const std::string& conninfo);

}  // namespace mirror::db
