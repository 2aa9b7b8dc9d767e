// Where a mirror lacks a file that it should have, its folder is in doubt: a part of the tree was
// lost, moved, or is not served. So the other files of the folder are asked for, a page at a time
// as long as some are missing; where all are, the folder above is next. A folder with a single file
// tells too little for that: of two such the folder around both is next. Each file that is missing
// is asked for once more some seconds later, while the look goes on. What is missing then is
// withdrawn, one merge for many. First of all come the files that the mirror got lately, in
// whatever folder: where the web server shows another tree than the one that was listed, these are
// what differs. A mirror that is wrong is looked at no more. None of these files is a sample, so
// they do not count for how many of a mirror's files are wrong. One thread. Times are seconds of
// the prober's clock.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/path_rules.h"
#include "core/token_bucket.h"
#include "db/merge/one_file.h"
#include "db/probe/probe_files.h"
#include "net/request_pool.h"
#include "net/retry_after.h"
#include "pg/connection.h"
#include "scanner/check/check.h"
#include "scanner/probe/fleet.h"
#include "scanner/probe/report.h"

namespace mirror::probe {

// What a look at folders has withdrawn from a mirror.
struct FolderLoss {
  MirrorId mirror = 0;
  std::int64_t files = 0;  // that are missing there, and that the source has for certain
  std::string folder, reason;
  // Instead, of this many files that the mirror got lately, how many are missing or old. 0: as
  // above.
  std::int64_t of_newest = 0;
};

class FolderChecks {
 public:
  // All must outlive it; its requests are answered while the caller runs the pool. `source`: as in
  // mb.toml. `loop`: the budget of a mirror grows again with time.
  FolderChecks(net::RequestPool& pool, net::Rests& rests, const Fleet& fleet, Reporter& reporter,
               const CheckOptions& check_options, const std::string& source, bool loop)
      : pool_(pool),
        rests_(rests),
        fleet_(fleet),
        reporter_(reporter),
        check_options_(check_options),
        source_(source),
        loop_(loop) {}

  // How many files of a mirror withdrawn() takes at most.
  static constexpr std::size_t kNewestFiles = 400;

  // This file was withdrawn from the mirror. `newest`: what it got lately, by ids.
  void withdrawn(MirrorId id, const std::string& path, std::vector<std::int64_t> newest);
  // Reads pages, starts requests and withdraws what is missing. Throws db::Error and FetchError.
  void step(db::Connection& connection, const PathRules& rules, double now_s);
  // What step() has withdrawn since the last call.
  std::vector<FolderLoss> take_losses() { return std::exchange(losses_, {}); }
  // When step() has something to do.
  double next_s() const { return next_s_; }
  // Whether no folder is in doubt, or the budget is used up.
  bool finished() const;

 private:
  struct Run;
  struct Folder {
    std::string path, after;
    std::vector<std::int64_t> newest;  // instead of a folder's: these files
    int missing = 1, there = 0;        // by the first look
    bool began = false, more = true;
    bool page_has_missing = false;
    bool unclear = false;               // of some files the first look tells nothing
    std::deque<db::ProbeFile> waiting;  // to be asked for, of the page
  };
  struct Missing {                        // of a folder, by second looks, and not yet withdrawn
    std::set<std::int64_t> looked_again;  // ids of files for which these have not ended
    std::vector<db::FileOnMirror> not_there;
    std::int64_t lost = 0;    // of these: the source has them for certain
    std::int64_t behind = 0;  // of these: not since the mirror is ahead of us
    std::string reason;       // of the last one
  };
  struct Doubted {                                               // a mirror
    std::deque<Folder> folders;                                  // the first one is looked at
    std::map<std::string, double> looked;                        // at which folders, and when
    std::deque<std::pair<double, std::shared_ptr<Run>>> second;  // looks that are still to begin
    std::map<std::string, Missing> missing;                      // by folder
    TokenBucket requests;
    int running = 0, running_first = 0;
    int newest_there = 0;    // of the files that it got lately
    std::string lone;        // the last folder that lost the only file that it had
    double lone_s = 0;       // and when
    bool spent = false;      // the budget, if it does not grow again
    bool head_lies = false;  // it said that a file is missing that was there
    bool busy() const { return !folders.empty() || !second.empty() || !missing.empty(); }
  };

  void doubt(MirrorId id, Folder folder, bool first);
  void drop_wrong();
  void go_on(db::Connection& connection, MirrorId id, Doubted& mirror);
  void next_page(db::Connection& connection, MirrorId id, Doubted& mirror) const;
  void withdraw_missing(db::Connection& connection, MirrorId id, Doubted& mirror);
  void withdraw(db::Connection& connection, MirrorId id, const std::string& folder,
                Missing& missing);
  void note_loss(MirrorId id, const std::string& folder, Missing& missing, std::int64_t withdrawn);
  void end_folder(MirrorId id, Doubted& mirror);
  std::string next_folder(Doubted& mirror, const Folder& ended) const;
  bool has_room(Doubted& mirror, std::size_t kept);
  void start(Doubted& mirror, const std::vector<const Item*>& ways, const PathRules& rules);
  void start_second(Doubted& mirror);
  std::shared_ptr<Run> run_of(const Doubted& mirror, db::ProbeFile file,
                              const std::vector<const Item*>& ways, const PathRules& rules) const;
  void begin(Doubted& mirror, const std::shared_ptr<Run>& run);
  void ask(const std::shared_ptr<Run>& run);
  void answered(const std::shared_ptr<Run>& run, const Verdict& verdict);
  void answered_first(Doubted& mirror, const std::shared_ptr<Run>& run, const Verdict& verdict);
  static void is_there_after_all(Doubted& mirror, const std::string& folder);
  void answered_again(Doubted& mirror, const Run& run, const Verdict& verdict);
  void wake_at(double at_s) { next_s_ = std::min(next_s_, at_s); }
  bool is_behind(const db::ProbeFile& file, const Verdict& verdict) const;

  net::RequestPool& pool_;
  net::Rests& rests_;
  const Fleet& fleet_;
  Reporter& reporter_;
  const CheckOptions& check_options_;
  const std::string& source_;
  const bool loop_;
  std::vector<FolderLoss> losses_;
  std::map<MirrorId, Doubted> mirrors_;
  int running_ = 0;
  double now_s_ = 0, next_s_ = 0;
};

}  // namespace mirror::probe
