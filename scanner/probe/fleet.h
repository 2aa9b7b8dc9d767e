// What the prober keeps of every way of every mirror that it probes, between checks. No I/O. One
// thread; an Item stays where it is as long as its mirror is probed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "db/mirror/mirrors.h"
#include "db/probe/health_rows.h"
#include "scanner/check/job.h"
#include "scanner/probe/hysteresis.h"

namespace mirror::probe {

// A failed check that would make a way down, before it is known whose fault it was.
struct Failure {
  Verdict verdict;
  std::string path;             // of the file that was asked for
  double ended_s = 0;           // of the check
  double others_since_s = 0;    // what others answered since shows that the network works after it
  bool asked_others = false;    // whether they answer
  bool network_worked = false;  // was seen between the first failure and this one
};

// A way of a mirror. Times are seconds of the prober's steady clock.
struct Item {
  std::shared_ptr<const db::MirrorRecord> mirror;
  Way way;
  Hysteresis hysteresis;
  double due_s = 0;                // when it is checked next
  bool running = false;            // a check is under way
  bool settled = false;            // no check is needed to confirm the last one
  bool removed = false;            // the mirror is no longer probed; goes when its check has ended
  std::optional<Failure> pending;  // would make it down; not taken yet
  double first_failed_s =
      0;  // when the network must have worked since: of the first failure not decided on
  double last_good_s = -1;  // never: -1
  double connected_s = -1;  // when a check over a new connection was good last; never: -1
  double down_since_s = 0;  // while it is down
  int in_row = 0;           // good files of this check so far, each asked for after the one before
  double alone_until_s = -1;  // until then a check asks for one file
  bool was_rare = false;   // the last check asked for something else than whether a file is there
  bool was_young = false;  // it asked for a file that is new at the source
  bool was_asked = false;  // of the others, for one that clients ask for much
  std::optional<Job> doubted;   // did not find what it should; to be done once more
  bool doubts_refusal = false;  // that was no missing file, but an answer for this file alone
  std::optional<Job> refused;   // for which it failed in a way that may be the file's
  int repeated = 0;             // checks in a row that we may have missed the answers to
  bool rested = false;          // asked for time in the last check
  int wrong_alone = 0;          // files in a row that the mirror has over other ways only
  std::optional<std::int64_t> latency_ms, certificate_end_s;
  std::string final_host;  // to which it redirects; "": to none
  double warned_s = -1;    // of the certificate's end; never: -1
  db::HealthRow stored;    // as the database has it
  double stored_s = -1;    // when that was written; never by us: -1

  bool failing() const { return pending || hysteresis.failing(); }
  const std::string& name() const { return mirror->mirror.identifier; }
};

class Fleet {
 public:
  using Key = std::pair<MirrorId, std::string>;        // the way's text
  using Changes = std::map<Key, std::vector<double>>;  // how many seconds ago; oldest first

  // These are the mirrors to probe from now on. New items are due at once, or, with `spread_s`,
  // some time within that. Keeps what it knows of the others.
  void set_mirrors(const std::vector<db::MirrorRecord>& mirrors, double now_s, double spread_s);
  // As the database has them, after `set_mirrors`; `changes` of the last day. An item whose state
  // differs begins anew with the stored one. Returns the ways of probed mirrors that none claims.
  std::vector<std::pair<MirrorId, Way>> set_stored(const std::vector<db::HealthRow>& rows,
                                                   const Changes& changes, double now_s);
  // What is to be written: changes of the state and of the certificate at once, the rest when it
  // was stored some minutes ago.
  std::vector<db::HealthRow> unwritten(double now_s) const;
  void written(const std::vector<db::HealthRow>& rows, double now_s);

  std::vector<Item*> items() const;
  // The ways of each mirror that are up, as the last check of each has shown.
  std::map<MirrorId, std::vector<const Item*>> ways_up() const;
  // nullptr: it is not probed any more.
  const Item* find(MirrorId id, Way way) const;

 private:
  std::map<Key, std::unique_ptr<Item>> items_;
};

// What a row says now.
db::HealthRow row_of(const Item& item);

}  // namespace mirror::probe
