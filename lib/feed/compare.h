// Compares a catalog with the database, file by file, with memory for one page of files.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "catalog/reader.h"
#include "db/feed.h"

namespace mirror {

struct Comparison {
  std::int64_t files = 0, links = 0, cohorts = 0, mirrors = 0;  // compared
  std::int64_t differences = 0;
  bool behind = false;  // what the database changed above the catalog's revision was left out
  bool mirrors_behind = false;  // the mirrors were
};

// `kind` is "file", "link", "cohort", "mirror" or "catalog", `name` a path (any bytes), number or
// identifier.
using TellDifference = std::function<void(const std::string& kind, const std::string& name,
                                          const std::string& difference)>;

// The reader has begun, before the snapshot was taken. A catalog of one region is compared with
// what is useful there.
Comparison compare(db::FeedSnapshot&, db::Connection&, catalog::Reader&,
                   const TellDifference& tell);

}  // namespace mirror
