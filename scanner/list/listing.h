// What every listing goes through, whoever made it: entries are counted and bounded, paths are
// checked, what lies below a directory that others may not read is staged, and module paths become
// tree paths. One Listing belongs to one thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_set>

#include "db/merge/scan.h"
#include "scanner/rsync/rsync_list.h"

namespace mirror::scanner {

// The listing is not whole; nothing of it may be merged.
class ListingError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A path of the tree; the views are valid during the call only.
struct TreeEntry {
  std::string_view path;
  db::EntryKind kind = db::EntryKind::file;
  std::int64_t size_bytes = 0;
  std::int64_t mtime_s = 0;
  bool staged = false;  // not world-readable, or below a directory that is not
  std::string_view target;
};
using TreeSink = std::function<void(const TreeEntry&)>;

struct ListingCounts {
  std::int64_t entries = 0;
  std::int64_t long_paths = 0;              // longer than kMaxPathBytes: skipped
  std::int64_t unreadable_directories = 0;  // absent, with all below
  bool missing = false;  // the listed subtree does not exist there: an empty listing
};

// What the running scans and the rest of the program tell each other; outlives the scans.
struct Control {
  int stop_fd = -1;                               // readable once the program is to stop
  std::atomic<std::int64_t>* progress = nullptr;  // entries so far, for the progress line
  bool stopped() const;
};

class Listing {
 public:
  // `prefix` ("" or a path without a trailing slash) is put before every listed path.
  // `counts` keeps what was counted, also of a listing that breaks.
  Listing(std::int64_t max_entries, std::string prefix, TreeSink sink, const Control& control,
          ListingCounts& counts);

  // Counts, checks and passes on one entry. Throws ListingError for a path that no honest listing
  // has and beyond max_entries.
  void add(const ListedEntry& entry);
  // An entry of which only is known that its path is too long.
  void add_too_long();

  ListingCounts& counts;

 private:
  void count();
  bool restricted(std::string_view path) const;
  void restrict_below(const std::string& path);

  std::int64_t max_entries_;
  std::string prefix_;
  TreeSink sink_;
  const Control& control_;
  std::unordered_set<std::string> restricted_;  // topmost directories that others may not read
  std::size_t restricted_bytes_ = 0;
  std::string full_path_;
};

}  // namespace mirror::scanner
