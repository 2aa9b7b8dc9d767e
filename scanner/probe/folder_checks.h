// Where a mirror lacks a file that it should have, its folder is in doubt: a part of the tree was
// lost, moved, or is not served. So the other files of the folder are asked for, a page at a time
// as long as some are missing; where all are, the folder above is next. What is missing is
// withdrawn, one merge for each page. First of all come the files that the mirror got lately, in
// whatever folder: where the web server shows another tree than the one that was listed, these are
// what differs. None of these files is a sample, so they do not count for how many of a mirror's
// files are wrong. One thread. Times are seconds of the prober's clock.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/path_rules.h"
#include "core/token_bucket.h"
#include "db/merge/one_file.h"
#include "db/probe/probe_files.h"
#include "net/request_pool.h"
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
  FolderChecks(net::RequestPool& pool, const Fleet& fleet, Reporter& reporter,
               const CheckOptions& check_options, const std::string& source, bool loop)
      : pool_(pool),
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
  struct Folder {
    std::string path, after;
    std::vector<std::int64_t> newest;  // instead of a folder's: these files
    int missing = 1, there = 0;
    bool began = false, more = true;
    std::deque<db::ProbeFile> waiting;        // to be asked for, of the page
    std::vector<db::FileOnMirror> not_there;  // of the page
    std::int64_t lost = 0;                    // of these: the source has them for certain
    std::int64_t behind = 0;                  // of these: not since the mirror is ahead of us
    std::string reason;                       // of the last one
  };
  struct Doubted {                         // a mirror
    std::deque<Folder> folders;            // the first one is looked at
    std::map<std::string, double> looked;  // at which folders, and when
    TokenBucket requests;
    int running = 0;
    bool spent = false;  // the budget, if it does not grow again
  };
  struct Run;

  void doubt(MirrorId id, Folder folder, bool first);
  void next_page(db::Connection& connection, MirrorId id, Folder& folder) const;
  void go_on(db::Connection& connection, MirrorId id, Doubted& mirror);
  void note_loss(MirrorId id, Folder& folder, std::int64_t withdrawn);
  void end_page(db::Connection& connection, MirrorId id, Folder& folder);
  void end_folder(MirrorId id, Doubted& mirror);
  void start(Doubted& mirror, const std::vector<const Item*>& ways, const PathRules& rules);
  void ask(const std::shared_ptr<Run>& run);
  void answered(const std::shared_ptr<Run>& run, const Verdict& verdict);
  bool is_behind(const db::ProbeFile& file, const Verdict& verdict) const;

  net::RequestPool& pool_;
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
