// A file of the tree as commands that explain redirects look it up, and why a mirror lacks it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "db/files.h"
#include "db/lookup.h"
#include "tools/mb/context.h"

namespace mirror::mb {

// A path as it was typed, as the database has it: without slashes before it. Throws UsageError,
// that it cannot be `what`.
std::string tree_path(std::string typed, std::string_view what);
// The same of a folder, also without slashes behind it; "": the whole tree.
std::string tree_path_or_root(std::string typed, std::string_view what);

// Leading slashes do not count. Throws UsageError for what can be no path, Failure for a directory
// and for what is not in the table.
db::FoundFile require_file(db::Connection& connection, std::string path);

// Of one file, for any of the mirrors: the database keeps what mirrors have of the present version
// alone.
class WhyLacking {
 public:
  WhyLacking(db::Connection& connection, const File& file);
  std::string reason(MirrorId mirror) const;
  const db::FileTimes& times() const { return times_; }

 private:
  db::FileTimes times_;
  std::map<MirrorId, std::int64_t> listed_s_;
  std::map<MirrorId, std::optional<std::int64_t>> scanned_s_;
};

}  // namespace mirror::mb
