// What checks found of mirrors' files, and what follows from it: a file that a mirror does not have
// is withdrawn from it, and a mirror is doubted (db/mirror/standing.h) while too many of its files
// are wrong, or after it was down for long. One thread. Times are seconds of the prober's clock.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "db/mirror/mirrors.h"
#include "db/mirror/standing.h"
#include "db/probe/probe_files.h"
#include "scanner/probe/file_record.h"
#include "scanner/probe/job.h"
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
  // A check found what it should.
  void right(const db::MirrorRecord& mirror, Job::Kind kind, double now_s);
  // Two checks did not: `reason` in words.
  void wrong(const db::MirrorRecord& mirror, const Job& job, const Verdict& verdict, double now_s);
  // The mirror answers again, after so long.
  void came_back(const db::MirrorRecord& mirror, double after_s);

  // Writes what follows. Throws db::Error; what was not written is written by the next call.
  void settle(db::Connection& connection);
  void discard() { queue_.clear(); }  // instead, where nothing may be written
  // Looks whether scans have made doubts groundless. Now and then.
  void review(db::Connection& connection);

  // Whether its files are to be checked more often than usual.
  bool doubts(MirrorId id) const;
  // Whether this kind of check is still missing before the mirror can be believed again.
  bool wants(MirrorId id, Job::Kind kind) const;
  // There is no file by which the content could be checked.
  void cannot_check_content(MirrorId id) { mirrors_[id].content_right = true; }
  bool found_wrong() const { return found_wrong_; }

 private:
  struct Finding {
    MirrorId mirror_id = 0;
    std::string mirror;
    enum class Kind : std::uint8_t { right, wrong, came_back } kind = Kind::right;
    Job job;
    std::string reason;
    bool other_bytes = false;
    bool by_rsync = false;
    double at_s = 0;
  };
  struct Believed {
    std::string name;
    FileRecord record;
    std::optional<std::int64_t> wrong_since_s, returning_since_s;  // Unix times, of the doubts
    bool content_right = false, impossible_right = false;          // since it is wrong
    double last_right_s = -1, last_wrong_s = -1;                   // never: -1
  };
  void settle_one(db::Connection& connection, const Finding& finding);
  void take_right(db::Connection& connection, const Finding& finding, Believed& mirror);
  void take_wrong(db::Connection& connection, const Finding& finding, Believed& mirror);
  void withdraw(db::Connection& connection, const Finding& finding, Believed& mirror);
  void withdraw_large(db::Connection& connection, const Finding& finding);
  bool most_are_wrong(double now_s) const;
  void doubt(db::Connection& connection, const Finding& finding, Standing kind,
             const std::string& reason);
  void believe_again(db::Connection& connection, MirrorId id, Believed& mirror);
  void clear(db::Connection& connection, MirrorId id, Believed& mirror, Standing kind);

  Reporter& reporter_;
  const double interval_s_;
  std::deque<Finding> queue_;
  std::map<MirrorId, Believed> mirrors_;
  bool found_wrong_ = false, told_most_ = false;
};

}  // namespace mirror::probe
