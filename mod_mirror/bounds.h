// Limits of one httpd: directives refuse more, and the shared memory has room for this much.
#pragma once

#include <cstddef>

namespace mirror::httpd {

inline constexpr int kMaxConnections = 1024;  // of all processes together, to one database
inline constexpr std::size_t kMaxDatabases = 64;
inline constexpr std::size_t kMaxCatalogs = 128;  // each database has one, if only by default

}  // namespace mirror::httpd
