#include "tools/mb/files/tree_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "core/path.h"
#include "core/readable.h"
#include "db/mirror/mirrors.h"

namespace mirror::mb {

std::string tree_path(std::string typed, std::string_view what) {
  typed.erase(0, std::min(typed.find_first_not_of('/'), typed.size()));
  if (const PathFault fault = check_path(typed); fault != PathFault::none)
    throw UsageError(fmt::format("'{}' cannot be {}: {}", typed, what, path_fault_text(fault)));
  return typed;
}

std::string tree_path_or_root(std::string typed, std::string_view what) {
  while (typed.ends_with('/')) typed.pop_back();
  return typed.empty() ? typed : tree_path(std::move(typed), what);
}

db::FoundFile require_file(db::Connection& connection, std::string path) {
  path = tree_path(std::move(path), "a file's path");
  db::FoundFile found = db::find_file(connection, path);
  if (found.found == Found::directory)
    throw Failure(fmt::format("'{}' is a directory: those are not redirected", path));
  if (found.found == Found::absent) {
    throw Failure(
        fmt::format("no file '{}' in the table: clients get 404 for it (or the local file, with "
                    "MirrorTree local)",
                    path));
  }
  return found;
}

WhyLacking::WhyLacking(db::Connection& connection, const File& file)
    : times_(db::file_times(connection, file.path)),
      listed_s_(db::listings_began(connection, file.path)) {
  for (const db::MirrorRecord& record : db::list_mirrors(connection))
    scanned_s_[record.mirror.id] = record.last_scan_s;
}

std::string WhyLacking::reason(MirrorId mirror) const {
  const auto scan = scanned_s_.find(mirror);
  if (scan == scanned_s_.end() || !scan->second) return "was never scanned";
  const auto listed = listed_s_.find(mirror);
  const std::int64_t began_s = listed != listed_s_.end() ? listed->second : *scan->second;
  const std::string scanned = utc_minute(began_s);
  if (times_.version_since_s && began_s < *times_.version_since_s) {
    return fmt::format("not scanned since the file changed: scanned {}, this version is of {}",
                       scanned, utc_minute(*times_.version_since_s));
  }
  return fmt::format("lacked the file or had another version, when scanned {}", scanned);
}

}  // namespace mirror::mb
