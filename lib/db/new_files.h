// Which versions of files are new, in SQL. Internal to lib/db.
#pragma once

namespace mirror::db {

// Of `file f`: the Unix time at which its version came. NULL when that is more than a day ago (as
// answer/first_arrival.h has it), or when it came with the whole tree.
#define NEW_SINCE                                                                             \
  "(SELECT floor(extract(epoch FROM n.at))::bigint FROM revision n WHERE n.rev = "            \
  "f.version_rev AND n.at > now() - interval '1 day' AND isfinite(n.at) AND n.rev > (SELECT " \
  "min(rev) FROM "                                                                            \
  "revision))"

}  // namespace mirror::db
