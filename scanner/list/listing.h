// Every listing passes its entries through this, whatever its method: it counts and limits entries,
// checks paths, leaves out excluded names, marks what is below a directory that others may not read
// as staged, and turns module paths into tree paths. One Listing belongs to one thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_set>

#include "db/merge/scan.h"
#include "scanner/list/entry.h"
#include "scanner/list/exclude.h"

namespace mirror::scanner {

// The listing is not complete; nothing of it may be merged.
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
  std::optional<std::int64_t> ctime_ns;
};
using TreeSink = std::function<void(const TreeEntry&)>;
// A directory of the tree that the listing program may not read. `staged`: others may not read it
// either, so that what is below is staged.
using UnreadableSink = std::function<void(std::string_view path, bool staged)>;
// A directory of the tree that nothing tells what it holds, or a file that nothing tells whether it
// is there.
using UnlistedSink = std::function<void(std::string_view path)>;

struct ListingCounts {
  std::int64_t entries = 0;
  std::int64_t long_paths = 0;  // longer than kMaxPathBytes: skipped
  std::int64_t odd_times = 0;   // files of years before 1000 or after 9999: skipped
  std::int64_t excluded = 0;    // named by an exclude pattern, or below one: skipped
  std::int64_t unreadable_directories =
      0;                                  // a mirror's: absent, with all below; the source's: held
  std::string unreadable_example;         // the first of these
  std::int64_t unlisted_directories = 0;  // a mirror's: files below keep their state
  std::string unlisted_example;           // the first of these
  std::int64_t heads = 0;                 // files that were asked for one by one
  // Files that may be the source's, and of which a mirror's web server tells no time.
  std::int64_t timeless = 0;
  std::int64_t odd_keys = 0;     // names in a bucket that no tree can have: skipped
  std::string odd_key_example;   // the first of these
  std::int64_t archived = 0;     // objects in a mirror's bucket that nobody can get: skipped
  std::string archived_example;  // the first of these
  bool missing = false;          // the listed subtree does not exist there: an empty listing
};

// What the running scans and the rest of the program exchange; outlives the scans.
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

  // Entries that fit these patterns are counted only. Before the first add().
  void exclude(const std::vector<std::string>& patterns) { exclusion_ = Exclusion(patterns); }
  // Called with directories that may not be read; without a sink they are only counted.
  void on_unreadable(UnreadableSink sink) { unreadable_sink_ = std::move(sink); }
  // Called with directories, and with files, that nothing tells of.
  void on_unlisted(UnlistedSink directory, UnlistedSink file) {
    unlisted_sink_ = std::move(directory);
    unlisted_file_sink_ = std::move(file);
  }

  // Counts, checks and passes on one entry. False for an excluded one: nothing below it is wanted.
  // Throws ListingError for a path that no honest listing has and beyond max_entries.
  bool add(const Entry& entry);
  // An entry whose path is too long.
  void add_too_long();
  // A directory, as listed, that may not be read. At most once for each.
  void add_unreadable(std::string_view path);
  // A directory that was added, and of which the server tells nothing. At most once for each.
  void add_unlisted(std::string_view path);
  // The same, and nobody is told: no listing shows the directory.
  void keep_below(std::string_view path);
  // A file that was added as a special one, and of which the server tells nothing.
  void keep(std::string_view path);
  // The listed directory itself, or one outside of it, may not be read. Throws ListingError where
  // the unreadable is held: nothing would be left to compare.
  void add_unreadable_root();

  ListingCounts& counts;

 private:
  void count();
  bool check(const Entry& entry);
  bool restricted(std::string_view path) const;
  void restrict_below(const std::string& path);

  std::int64_t max_entries_;
  std::string prefix_;
  TreeSink sink_;
  const Control& control_;
  std::unordered_set<std::string> restricted_;  // topmost directories that others may not read
  std::size_t restricted_bytes_ = 0;
  std::string full_path_;
  Exclusion exclusion_{{}};
  UnreadableSink unreadable_sink_;
  UnlistedSink unlisted_sink_, unlisted_file_sink_;
};

}  // namespace mirror::scanner
