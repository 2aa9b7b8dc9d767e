// Which files are asked for most, as the redirectors told lately (db/redirectors.h). One thread,
// one Connection; functions throw Error.
#pragma once

#include <cstdint>
#include <map>

#include "pg/connection.h"

namespace mirror::db {

// The ids of the files asked for most, at most so many, each with how often: of requests that were
// made six hours ago half count.
std::map<std::int64_t, double> read_demand(Connection&, std::int32_t most);

}  // namespace mirror::db
