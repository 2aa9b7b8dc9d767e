// The ways to list a mirror, as the database has them: scanner/list knows what a method makes of
// its URL and options.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/model.h"
#include "pg/connection.h"

namespace mirror::db {

// An option of the way by HEAD that `mb edit --complete` sets: the mirror has everything by
// definition, as a CDN in front of the origin.
inline constexpr std::string_view kComplete = "complete";

struct Endpoint {
  std::string method;                // rsync, …
  std::string url;                   // "": not used
  std::vector<std::string> options;  // the method's own
  std::int32_t priority = 0;         // the smallest is tried first

  bool is_complete() const;  // kComplete is among the options
};

// By mirror, each in the order in which they are tried. Of one mirror, or of all. Throws Error for
// a role that may not read them, as httpd's.
std::map<MirrorId, std::vector<Endpoint>> read_endpoints(Connection&);
std::vector<Endpoint> read_endpoints(Connection&, MirrorId);

// Sets one value, making the endpoint where there is none. `column`: url or options; `values`: the
// mirror's id, the method, the value. Whether it is complete stays. Throws Error when a constraint
// is violated.
void set_endpoint(Connection&, std::string_view column, const Params& values);
// `values`: the mirror's id, the method, whether it is complete.
void set_complete(Connection&, const Params& values);
// Those without URL and options.
void drop_empty_endpoints(Connection&, MirrorId);

}  // namespace mirror::db
