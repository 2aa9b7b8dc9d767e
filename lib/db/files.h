// What administrators look at besides the mirrors: the file table, how many files each mirror has,
// how its last scans ended.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/model.h"
#include "pg/connection.h"

namespace mirror::db {

struct ListedFile {
  std::string path;
  std::int64_t size_bytes = 0;
  std::int64_t mtime_s = 0;
  bool is_link = false;
  std::string link_target;  // for links: the real path inside the tree
  bool staged = false;
  bool pending = false;
  std::optional<std::int64_t> gone_s;  // Unix time
  std::vector<MirrorId> mirrors;       // for links: those of the target
};

// Of list_files(): at most one of them.
struct FileFilter {
  std::optional<MirrorId> missing_on;   // current files that this mirror does not have
  std::optional<MirrorId> outdated_on;  // the same, and its last full scan found an old version
};

// The files whose path is `pattern`, in bytewise order of their paths, at most `limit`, from the
// first above `after` on ("" for the start). `*` stands for any bytes and '/' too, `?` for one
// byte; a pattern that ends in '/' means everything below, "" everything. Leading slashes do not
// count.
std::vector<ListedFile> list_files(Connection&, std::string_view pattern, std::string_view after,
                                   std::int32_t limit, const FileFilter& filter = {});

// How many current and in-grace files each mirror has; mirrors without any are missing.
std::map<MirrorId, std::int64_t> file_counts(Connection&);

// When what redirects of a file depend on came about, as Unix times; nullopt: not known, or not so.
struct FileTimes {
  std::optional<std::int64_t> version_since_s;  // its present version was merged; kept for a while
  std::optional<std::int64_t> gone_s;           // from the source
  std::optional<std::int64_t> grace_ends_s;     // for a gone one
};

// Of the file with exactly that path, links not followed; all nullopt where there is none.
FileTimes file_times(Connection&, std::string_view path);

// When each mirror's last good listing that covers the path began, as Unix times; mirrors of whom
// no such scan is kept are missing. What changed at the source later it cannot have told.
std::map<MirrorId, std::int64_t> listings_began(Connection&, std::string_view path);

struct ScanRun {
  std::string method, outcome, error;
  std::int64_t started_s = 0;           // Unix time
  std::optional<std::int64_t> ended_s;  // nullopt: running, or cut off
  std::int64_t seen = 0, gained = 0, lost = 0;
};

// The mirror's last scans, the newest first.
std::vector<ScanRun> last_scans(Connection&, MirrorId, std::int32_t limit);

}  // namespace mirror::db
