// New files first: asks mirrors by HEAD for the files that the source got lately, long before their
// next scan, and confirms those that they have. The files of one merge are a release: while a
// mirror lacks it, one of its files is asked for now and then; as soon as it is there, all that the
// mirror is not known to have. Files that may change go first, as the indices of repositories:
// every client asks for them. Of a release, what clients ask for most goes first; newer releases go
// before older ones. No mirror is asked for more than so many files a minute. A folder with more
// new files than that is put into the scans' queue too, where a worker lists it at once.
//
// In the same way, mirrors that have what is gone at the source are asked for it: as soon as one of
// the files that went together is missing there, the mirror has just deleted them. What it lacks is
// withdrawn from it. One thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/path_rules.h"
#include "core/token_bucket.h"
#include "db/merge/one_file.h"
#include "db/mirror/mirrors.h"
#include "db/probe/fresh_files.h"
#include "net/request_pool.h"
#include "net/retry_after.h"

namespace mirror::fresh {

struct FreshOptions {
  int requests_per_minute = 0;  // of each mirror; 0: it is never asked
  int timeout_s = 10;
  std::string user_agent, ca_file;
};

class FreshChecks {
 public:
  // The pool must outlive it, or not run any more once it is gone; its requests are answered while
  // the caller runs it. `rests` must outlive it.
  FreshChecks(net::RequestPool& pool, net::Rests& rests, FreshOptions options)
      : pool_(pool), rests_(rests), options_(std::move(options)) {}

  // Forgets everything, for another connection.
  void begin();
  void set_mirrors(const std::vector<db::MirrorRecord>& mirrors);
  // Reads what is new, starts requests that are due, and writes what was confirmed. `now_s` is a
  // steady clock's. Throws db::Error and FetchError.
  void step(db::Connection& connection, double now_s);
  // After the last step: writes what was confirmed. Throws db::Error.
  void end(db::Connection& connection) {
    wrote_s_ = -1;
    write(connection);
  }
  // The id of a random file that the mirror got lately, as far as is known; nullopt: of none.
  std::optional<std::int64_t> young_file(MirrorId id);
  // The ids of all of these, at most so many, the newest first.
  std::vector<std::int64_t> young_files(MirrorId id, std::size_t most) const;
  // The mirror has other content in this file, which was withdrawn from it; what it says by HEAD
  // does not confirm it again.
  void has_other_content(MirrorId id, std::int64_t file_id, std::int64_t version_rev) {
    other_content_[{id, file_id, version_rev}] = now_s_;
  }
  // When step() has something to do.
  double next_s() const { return next_s_; }

 private:
  struct Wait {  // for one file on one mirror
    std::shared_ptr<const db::FreshFile> file;
    double due_s = 0;
    bool first = false;                  // before others
    bool running = false, done = false;  // done: confirmed, or withdrawn
  };
  struct Release {  // the files of one merge on one mirror
    std::vector<Wait> waits;
    bool there = false;  // the change has come to the mirror, at least a part of it
    double due_s = 0;    // until then: when the next file is asked for
    std::size_t next = 0;
  };
  using Releases = std::map<std::int64_t, Release, std::greater<>>;  // the newest first
  using Holdings = std::map<std::int64_t, std::vector<MirrorId>>;    // of each file, by its id
  struct Holders {                                                   // of a file; sorted
    std::int64_t file_id = 0, release = 0;
    std::vector<MirrorId> mirrors;
  };
  struct Asked {  // a mirror
    db::MirrorRecord record;
    Releases releases;
    TokenBucket requests{0};
    int running = 0;
    double moved_s = -1;  // when something came last; never: -1
  };

  void read_new(db::Connection& connection);
  void look_again(db::Connection& connection);
  void put_most_asked_first(db::Connection& connection);
  void look_again(MirrorId id, Asked& mirror, const Holdings& holders);
  void put(const std::shared_ptr<const db::FreshFile>& file, const Releases& before,
           Releases& releases) const;
  void start_due(Asked& mirror);
  void start_release(MirrorId id, std::int64_t rev, Release& release);
  void start_waits(MirrorId id, std::int64_t rev, Release& release, bool first);
  bool may_ask(Asked& mirror) const;
  void ask(MirrorId id, std::int64_t rev, Wait& wait);
  void answered(MirrorId id, std::int64_t rev, std::int64_t file_id, const net::PoolAnswer& answer);
  bool has_come(const Asked& mirror, const db::FreshFile& file,
                const net::PoolAnswer& answer) const;
  void came(Asked& mirror, Release& release, Wait& wait);
  void ask_for_folder(const Asked& mirror, const Release& release, const db::FreshFile& file);
  double retry_s(const Asked& mirror, std::int64_t rev) const;
  double rest_retry_s(const Asked& mirror, std::int64_t rev) const;
  void write(db::Connection& connection);
  void plan_next();

  net::RequestPool& pool_;
  net::Rests& rests_;
  FreshOptions options_;
  PathRules rules_;
  std::map<MirrorId, Asked> mirrors_;
  std::vector<std::shared_ptr<const db::FreshFile>> files_;  // not a day old
  std::vector<Holders> held_;  // those that mirrors have, the newest first
  // Mirror, file and version; and since when.
  std::map<std::tuple<MirrorId, std::int64_t, std::int64_t>, double> other_content_;
  std::map<std::int64_t, double> born_s_;                    // of a release, by our clock
  std::vector<db::FileOnMirror> confirmed_, withdrawn_;      // not written yet
  std::set<std::pair<MirrorId, std::string>> full_folders_;  // to be listed; not written yet
  std::int64_t rev_ = -1;
  std::minstd_rand random_{std::random_device{}()};
  double now_s_ = 0, next_s_ = 0, read_s_ = -1, looked_s_ = -1, wrote_s_ = -1;
};

}  // namespace mirror::fresh
