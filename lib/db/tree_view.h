// What administrators ask of the tree as a whole: which mirrors have how much of a folder, and what
// a mirror was seen to have in an old version. One thread, one Connection; functions throw Error.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/mirror_set.h"
#include "pg/connection.h"

namespace mirror::db {

// A folder's current files, or those directly in the one that was asked for. Staged files, gone
// ones and links do not count.
struct FolderSum {
  std::string name;  // of the folder alone; "": the files directly there
  std::int64_t files = 0, size_bytes = 0;
  std::int64_t mirrors_whole = 0;  // enabled ones that have all of these files
  std::int64_t mirrors_some = 0;   // at least one
};

// The folders directly below this one ("": the root; else without a slash at its end), in the order
// of their names. Reads the rows of all files below.
std::vector<FolderSum> folder_sums(Connection&, std::string_view folder);

// Of the current files at and below a path: how many there are, and how many each mirror has.
struct HeldBelow {
  std::int64_t files = 0, size_bytes = 0;
  bool is_file = false;  // the path is a file's own
  std::map<MirrorId, std::int64_t> by_mirror;
};
// `path`: "" for the whole tree.
HeldBelow held_below(Connection&, std::string_view path);

// The version of a file that the mirror's last full scan listed, where the scan found the mirror
// behind the source and kept the file as an example (behind.h).
struct OldVersion {
  std::int64_t size_bytes = 0, mtime_s = 0;
};
std::optional<OldVersion> listed_old_version(Connection&, MirrorId, std::string_view path);

// What paths that begin with `begin` go on with: files, and folders with a slash at their end, at
// most `most`, in the order of paths. Costs one look into an index for each, however large the
// folders are. Staged files do not count.
std::vector<std::string> completions(Connection&, std::string_view begin, std::size_t most);

// The newest time that the source's own stamp has said; nullopt: none is known.
std::optional<std::int64_t> newest_source_stamp(Connection&);

}  // namespace mirror::db
