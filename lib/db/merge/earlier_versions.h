// What each file remembers of its earlier versions: the sizes and mtimes that they had. Mirrors may
// still have one of them, and a listing shows no more than size and time. So a listing tells that a
// mirror got the present version only if what it shows fits no earlier one (mirror_compare.cc); of
// all others, only their content tells (content_checks.h). SQL's text, nothing else.
#pragma once

#include <fmt/format.h>

#include <string>

namespace mirror::db {

// More would only grow the rows of files that change every hour.
inline constexpr int kEarlierVersions = 32;

// Of an UPDATE file f, the assignment that remembers the version which the row has, if `leaves`
// holds: its size under the mtimes of the array `times`. Remembered ones are forgotten where
// `keep`, a condition on (size, mtime), does not hold.
inline std::string remember_version(const char* leaves, const char* times, const char* keep) {
  return fmt::format(
      "(earlier_sizes, earlier_times) = (SELECT array_agg(e.size ORDER BY e.n, e.mtime), "
      "array_agg(e.mtime ORDER BY e.n, e.mtime) FROM "
      "(SELECT size, mtime, max(n) AS n FROM "
      " (SELECT size, mtime, n FROM unnest(f.earlier_sizes, f.earlier_times) WITH ORDINALITY AS a "
      "  (size, mtime, n) UNION ALL SELECT f.size, t, {0} + 1 FROM unnest({1}) AS t WHERE {2}) AS "
      "b "
      " WHERE {3} GROUP BY 1, 2 ORDER BY 3 DESC, 2 DESC LIMIT {0}) AS e)",
      kEarlierVersions, times, leaves, keep);
}

}  // namespace mirror::db
