// From a listing to the file and cohort tables: staging by COPY, comparing outside the lock,
// merging in one short transaction. One object per scan, on one Connection, in one thread. A
// listing that is given up (no merge call) changes nothing but its scan row.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/limits.h"
#include "db/mirror/mirrors.h"
#include "db/mirror/time_keeping.h"
#include "db/probe/probe_files.h"
#include "db/scan_lock.h"

namespace mirror::db {

enum class EntryKind : std::uint8_t { file, link, directory };

struct ScanCounts {
  std::int64_t seen = 0;     // entries listed, without directories
  std::int64_t gained = 0;   // files (mirror scan); new, changed and returned files (source scan)
  std::int64_t lost = 0;     // files (mirror scan); gone files (source scan)
  std::int64_t unknown = 0;  // on the mirror and not in the source
  std::int64_t known = 0;    // on the mirror and in the source, in whatever version
  // mirror scan: of the outdated, how many have the right size and a time that is not accepted
  std::int64_t other_time = 0;
  std::int64_t outdated = 0;  // on the mirror in another version than the source's
  std::int64_t held = 0;      // files the mirror has now (mirror scan); current files (source scan)
  std::int64_t changed = 0;   // source scan: new version of a known file
  std::int64_t touched = 0;   // source scan: files that wait for mb-hash since their time changed
};

enum class MergeOutcome { merged, unchanged, refused };

struct MergeReport {
  MergeOutcome outcome = MergeOutcome::unchanged;
  std::string
      refusal;  // for refused: what the guard saw, with the numbers; the caller says what to do
  std::string loss_words;  // what MergeOptions::ask_about_losses said, if it was asked
  // Why a listing was merged that would have been refused; "" if it would not.
  std::string believed;
  // Why a merged listing is useless, with the likely cause: the mirror has no file, or the source
  // has none below the subtree. "" if it is useful.
  std::string of_no_use;
  ScanCounts counts;
  // Source scan: known files whose inode changed since their content was read, while size and mtime
  // say that they are the same; the first few thousand. Only reading them again can tell.
  std::vector<std::int64_t> reread;
  double lock_seconds = 0;     // how long the merge lock was held
  std::int64_t start_rev = 0;  // mirror scan: the newest rev before the listing's first byte
};

enum class Precision : std::int64_t { second = 1, minute = 60, day = 86400 };

// What of a complete mirror counts as listed, besides what is in the listing: files below `folder`
// ("": all) whose only version is of a revision above `after` and up to `upto`. All others keep
// their state.
struct TakenForListed {
  std::int64_t after = 0, upto = 0;
  std::string folder;
};

// How exact a listing was. Its method knows that when the listing has ended.
struct Fidelity {
  Precision times = Precision::second;
  bool shows_times = true;  // of the mirror; false: they tell nothing about how it keeps times
  // They are times of uploads: a file is not newer than its one.
  bool times_of_uploads = false;
  // The listing tells of the files in it alone: all others keep their state. `whole`: even so it
  // has all of the source's files, those that the mirror lacks with the size kNotThere.
  bool asked_only = false, whole = true;
  std::optional<TakenForListed> taken = std::nullopt;  // with asked_only
  // Each path came once, in an order that may be another one next time.
  bool in_any_order = false;
};

// The size of an entry that says that the mirror does not have the file.
inline constexpr std::int64_t kNotThere = -1;

// Whether what a mirror would lose is gone for certain, as somebody found who asked the mirror.
struct LossVerdict {
  bool gone = false;
  std::string words;
};

// The files that a mirror got last or is about to get, the newest first, and how it shows times by
// its listing.
struct NewestFiles {
  std::vector<ProbeFile> files;
  std::set<std::int64_t> gained;  // ids of those that it is about to get
  MeasuredTimes times;
};
// The ids of those that it does not serve, which count as not listed. `most`: it serves so few of
// those that it is about to get that it gets no other file either.
struct Unserved {
  std::vector<std::int64_t> ids;
  bool most = false;
};

struct MergeOptions {
  double max_shrink_percent = 50;    // mirror scans: of all that the mirror has
  double max_change_percent = 5;     // source scans
  std::int64_t min_held_files = 20;  // source scans: fewer changed or gone files are never held
  double grace_s = kDefaultGraceS;   // source scans: how long gone files are still redirected
  bool force = false;
  // Mirror scans: the mirror could not be listed, which is the outcome of this scan; what the
  // caller found out all the same is merged. "": it could.
  std::string failure = {};
  // Mirror scans that max_shrink_percent would refuse: is called, outside of any transaction, with
  // some of the files that the mirror would lose. Empty: such scans are refused.
  std::function<LossVerdict(const std::vector<std::string>& paths)> ask_about_losses = {};
  // Mirror scans: is called, outside of any transaction, with the files that the mirror got last.
  std::function<Unserved(const NewestFiles&)> ask_for_newest = {};
};

// A random sample of the current files below `subtree` ("": all) that the mirror has.
std::vector<std::string> sample_of_mirror(Connection&, MirrorId, std::string_view subtree,
                                          std::int32_t count);
// That a scan whose outcome would have been this was believed all the same: an event of the mirror.
void note_scan_event(Connection&, MirrorId, std::string_view outcome, std::string_view why);

class MirrorScan {
 public:
  // Reads the rev that the listing starts from, opens the scan row, makes the staging table.
  // `subtree` is "" for a full scan, else a path without a trailing slash: files outside it are
  // left alone. The ScanLock must be held.
  MirrorScan(Connection&, const MirrorRecord&, std::string_view method, std::string_view subtree);
  ~MirrorScan();
  // A regular file of the listing, in any order; a path listed twice counts once, as it was listed
  // last. Buffers at most 1 MiB. Paths must have passed check_path. The entry counts as seen,
  // unless its size is kNotThere.
  void add(std::string_view path, std::int64_t size_bytes, std::int64_t mtime_s);
  // A folder of which the listing tells nothing: files below it keep their state. REQUIRES: in the
  // subtree, with a path that passed check_path. Files below it that are added count as listed.
  void keep_below(std::string_view folder);
  // A file of which the listing tells nothing: it keeps its state, unless it is added. REQUIRES: in
  // the subtree, with a path that passed check_path.
  void keep(std::string_view path);
  MergeReport merge(const Fidelity&, const MergeOptions&);
  // Closes the scan row with outcome 'failed'; nothing is merged.
  void fail(std::string_view error, bool interrupted = false);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class SourceScan {
 public:
  // `subtree` is "" for a full scan, else a path without a trailing slash: what is not below it
  // stays as it was.
  SourceScan(Connection&, std::string_view method, std::string_view subtree = "");
  ~SourceScan();
  // `staged`: not world-readable, or below a directory that is not. For links `target` is the raw
  // link text; they are resolved in merge(). Directories are listed too, so that links to them
  // resolve. `ctime_ns`: the inode's last change, if the method sees it.
  void add(std::string_view path, EntryKind, std::int64_t size_bytes, std::int64_t mtime_s,
           bool staged, std::string_view target = {},
           std::optional<std::int64_t> ctime_ns = std::nullopt);
  // A folder that could not be read: files below it stay as they were, but become staged if
  // `staged` says that others may not read the folder. Call it at most once for each.
  void hold_below(std::string_view folder, bool staged);
  // Of the fidelity only `in_any_order` matters.
  MergeReport merge(const MergeOptions&, const Fidelity& = {});
  void fail(std::string_view error, bool interrupted = false);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Joins cohorts that list the same mirrors, except large ones (db/merge/folders.h), and drops empty
// ones, moving at most `max_files` file rows; returns how many moved. Takes the merge lock for a
// short time; to be called after a batch of scans.
std::int64_t join_cohorts(Connection&, std::int64_t max_files);

}  // namespace mirror::db
