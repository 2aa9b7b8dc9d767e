// Compares the content of files that no listing can tell from an earlier version, so that mirrors
// get redirects for those of which they have the present one: small files whole, of large ones two
// pieces (db/probe/content_pieces.h). What differs is old or ahead, and speaks against nobody: the
// mirror just gets no redirects for that file, and is asked again after a while. One thread. Times
// are seconds of the prober's clock.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/path_rules.h"
#include "core/token_bucket.h"
#include "db/merge/one_file.h"
#include "net/request_pool.h"
#include "net/retry_after.h"
#include "pg/connection.h"
#include "scanner/check/check.h"
#include "scanner/probe/content_walk.h"
#include "scanner/probe/fleet.h"
#include "scanner/probe/report.h"

namespace mirror::probe {

struct ContentOptions {
  bool loop = false;                // else: one minute's budget of each mirror, and no more
  std::int64_t again_s = 3600;      // until the same file is asked for again
  double requests_per_minute = 60;  // of each mirror
  double bytes_per_minute = 16e6;   // of each mirror
  double all_bytes_per_minute = 256e6;
};

class ContentChecks {
 public:
  // All must outlive it; its requests are answered while the caller runs the pool.
  ContentChecks(net::RequestPool& pool, net::Rests& rests, const Fleet& fleet, Reporter& reporter,
                const CheckOptions& check_options, const ContentOptions& options)
      : pool_(pool),
        rests_(rests),
        fleet_(fleet),
        reporter_(reporter),
        check_options_(check_options),
        options_(options),
        all_bytes_(options.all_bytes_per_minute) {}

  // Begins with what the database remembers; again after another connection was made.
  void begin(db::Connection& connection);
  // Looks what is to be compared, starts requests, and, if it `writes`, confirms what was right:
  // one merge for all mirrors together. Throws db::Error and FetchError.
  void step(db::Connection& connection, const PathRules& rules, double now_s, bool writes);
  // When step() has something to do.
  double next_s() const { return next_s_; }
  // Not for a service: whether nothing is left to ask and to confirm.
  bool finished() const;
  // After the last step: confirms what was right. Throws db::Error.
  void end(db::Connection& connection);
  // Stores what was asked for, so that the next run goes on there.
  void remember(db::Connection& connection);

 private:
  struct Asked {  // a mirror
    explicit Asked(const ContentOptions& options)
        : requests(options.requests_per_minute), bytes(options.bytes_per_minute) {}
    // As it is when nothing of what waits or runs has been asked for.
    ContentWalk left() const;
    ContentWalk walk;
    ContentWalk before;                     // what waits was read
    std::optional<std::int64_t> scanned_s;  // its last scan, when its listing was looked at
    std::string listing;
    std::vector<db::ContentCheck> waiting;  // the next one last
    TokenBucket requests, bytes;
    bool spent = false;  // not a service: its budget
    std::multiset<db::VersionPlace> running;
    std::map<db::VersionPlace, double> lacks;  // what it said it has not, and when
  };
  struct Run;

  Asked& asked(MirrorId id) { return mirrors_.try_emplace(id, options_).first->second; }
  void look(db::Connection& connection);
  void look_at_listings(db::Connection& connection);
  bool has_work() const;
  void start_due(db::Connection& connection, const PathRules& rules);
  void fetch(db::Connection& connection, MirrorId id, Asked& mirror, const PathRules& rules);
  void start_waiting(db::Connection& connection, const Item& item, Asked& mirror,
                     const PathRules& rules);
  bool may_ask(MirrorId id, Asked& mirror);
  bool lacks(const Asked& mirror, const db::ContentCheck& file) const;
  void note_lack(Asked& mirror, const db::ContentCheck& file);
  std::vector<db::ContentPiece> pieces_of(db::Connection& connection, const db::ProbeFile& file,
                                          const std::string& sha256);
  void ask_next_piece(const std::shared_ptr<Run>& run);
  void ask(const std::shared_ptr<Run>& run);
  void ended(Run& run, const Verdict& verdict);
  void confirm_due(db::Connection& connection);

  net::RequestPool& pool_;
  net::Rests& rests_;
  const Fleet& fleet_;
  Reporter& reporter_;
  const CheckOptions& check_options_;
  const ContentOptions options_;
  TokenBucket all_bytes_;
  std::map<MirrorId, Asked> mirrors_;
  std::map<MirrorId, db::RememberedWalk> stored_;  // as the database has them
  std::vector<db::FileOnMirror> confirmed_;        // not written yet
  std::int64_t rev_ = -1;                          // up to which new hashes were looked at
  int running_ = 0;
  std::int64_t in_memory_ = 0;  // the largest piece of each that runs
  double now_s_ = 0, next_s_ = 0, looked_s_ = -1, wrote_s_ = -1, remembered_s_ = -1;
};

}  // namespace mirror::probe
