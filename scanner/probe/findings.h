// What checks found of mirrors' files, and what follows from it: a file that a mirror does not have
// is withdrawn from it, and a mirror is doubted (db/mirror/standing.h) while too many of its files
// are wrong, or after it was down for long. One thread. Times are seconds of the prober's clock.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "db/merge/one_file.h"
#include "db/mirror/mirrors.h"
#include "db/mirror/standing.h"
#include "db/probe/probe_files.h"
#include "db/probe/probe_memory.h"
#include "scanner/check/job.h"
#include "scanner/probe/file_record.h"
#include "scanner/probe/folder_checks.h"
#include "scanner/probe/report.h"

namespace mirror::probe {

class Findings {
 public:
  static constexpr int kEnough = 20;  // files in a row that are right bring a mirror back

  // `interval_s`: from one check to the next. `reporter` must outlive it.
  Findings(Reporter& reporter, double interval_s) : reporter_(reporter), interval_s_(interval_s) {}

  // What the database says of mirrors' doubts: at the start, and now and then, since others may
  // clear them.
  void read_doubts(db::Connection& connection);
  // What an earlier run found of mirrors' files: at the start.
  void recall(db::Connection& connection);
  // Keeps it for the next run, where it has changed. What somebody else has changed meanwhile
  // (mb-probe --forget) counts instead.
  void remember(db::Connection& connection);
  // A check found what it should.
  void right(const db::MirrorRecord& mirror, Job::Kind kind, double now_s);
  // Two checks did not. `deleted`: the source has no such file any more either.
  void wrong(const db::MirrorRecord& mirror, const Job& job, const Verdict& verdict, bool deleted,
             double now_s);
  // Of its files so many more are missing that the source has; they are withdrawn. A
  // mirror that lost more than a fifth of its files within an hour is wrong, or most of those that
  // it got lately. Throws db::Error.
  void lost(db::Connection& connection, const db::MirrorRecord& mirror, const FolderLoss& loss,
            double now_s);
  // The mirror answers again, after so long.
  void came_back(const db::MirrorRecord& mirror, double after_s);

  // Writes what follows. What fails is tried again after some seconds, and given up after some
  // tries; while a merge holds its lock that may take as long as the merge. Throws db::Error when
  // the connection is lost, and, unless `patient`, at the first failure.
  void settle(db::Connection& connection, double now_s, bool patient);
  // Of that only what must be known before a mirror that came back is up.
  void settle_returns(db::Connection& connection, double now_s, bool patient);
  void discard() { queue_.clear(); }  // instead, where nothing may be written
  // Looks whether scans have made doubts groundless. Now and then.
  void review(db::Connection& connection);

  // Whether its files are to be checked more often than usual.
  bool doubts(MirrorId id) const;
  // Whether the last file that it was asked for was wrong: then it is soon known how many are.
  bool suspects(MirrorId id) const;
  // Whether this kind of check is still missing before the mirror can be believed again, or before
  // it is known whether it is wrong.
  bool wants(MirrorId id, Job::Kind kind) const;
  // There is no file by which the content could be checked.
  void cannot_check_content(MirrorId id) { mirrors_[id].content_right = true; }
  // A check of content told nothing. After some of them it is wanted no more.
  void not_compared(MirrorId id);
  // Whether the last one told nothing: then a small file, which is read whole, may tell.
  bool prefers_small(MirrorId id) const;
  bool found_wrong() const { return found_wrong_; }
  // The files that settle() has withdrawn since the last call, for their folders are in doubt.
  std::vector<std::pair<MirrorId, std::string>> take_withdrawn() {
    return std::exchange(withdrawn_, {});
  }
  // Likewise those that have other content.
  std::vector<db::FileOnMirror> take_other_content() { return std::exchange(other_content_, {}); }

 private:
  struct Finding {
    MirrorId mirror_id = 0;
    std::string mirror;
    enum class Kind : std::uint8_t { right, wrong, came_back } kind = Kind::right;
    Job job;
    std::string reason;
    bool other_bytes = false, newer = false;  // as in Verdict
    bool deleted = false;                     // the source has no such file any more
    bool by_rsync = false;
    double at_s = 0;
    int tries = 0;        // that failed
    double again_s = -1;  // not before
  };
  struct Believed {
    static FileRecord record_of(const db::RememberedFiles& files);
    db::RememberedFiles remembered() const;
    std::string name;
    FileRecord record;
    std::optional<std::int64_t> wrong_since_s, returning_since_s;  // Unix times, of the doubts
    bool content_right = false, impossible_right = false;          // since it is wrong
    bool suspect = false;                                          // its last file was wrong
    std::optional<std::int64_t> perhaps_other;    // id of a file with other bytes, without a time
    int content_again = 0;                        // more such checks are wanted, to know more
    int not_compared = 0;                         // checks of content in a row that told nothing
    double last_right_s = -1, last_wrong_s = -1;  // never: -1
    FileRecord lately;                            // also of what is not held against the mirror
    std::int64_t lost = 0;                        // files, by looks at folders
    double lost_s = -1;                           // the last ones
  };
  void heed_others(db::Connection& connection);
  void take_over(MirrorId id, const db::RememberedFiles& files);
  void settle_all(db::Connection& connection, double now_s, bool patient, bool returns_only);
  void put_off(Finding&& finding, const db::Error& error, double now_s);
  Finding& add(const db::MirrorRecord& mirror, Finding::Kind kind);
  static bool shows_other_bytes(const Finding& finding, Believed& mirror);
  void settle_one(db::Connection& connection, const Finding& finding);
  void take_right(db::Connection& connection, const Finding& finding, Believed& mirror);
  void take_wrong(db::Connection& connection, const Finding& finding, Believed& mirror);
  void withdraw(db::Connection& connection, const Finding& finding, Believed& mirror);
  void withdraw_large(db::Connection& connection, const Finding& finding);
  void lost_newest(db::Connection& connection, const db::MirrorRecord& mirror,
                   const FolderLoss& loss, double now_s);
  bool most_are_wrong(double now_s) const;
  void doubt(db::Connection& connection, const Finding& finding, db::DoubtKind kind,
             const std::string& reason);
  void doubt(db::Connection& connection, MirrorId id, const std::string& name, db::DoubtKind kind,
             const std::string& reason);
  void believe_again(db::Connection& connection, MirrorId id, Believed& mirror);
  void clear(db::Connection& connection, MirrorId id, Believed& mirror, db::DoubtKind kind);

  Reporter& reporter_;
  const double interval_s_;
  std::deque<Finding> queue_;
  double merge_free_s_ = -1;  // until then withdrawals wait for somebody else's merge
  std::map<MirrorId, Believed> mirrors_;
  std::map<MirrorId, db::RememberedFiles> stored_;  // as the database has them
  std::vector<std::pair<MirrorId, std::string>> withdrawn_;
  std::vector<db::FileOnMirror> other_content_;
  bool found_wrong_ = false, told_most_ = false;
};

}  // namespace mirror::probe
