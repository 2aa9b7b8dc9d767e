// Which mirror is listed when, by any number of workers on any number of hosts (mb-scan --work).
// The table scan_queue has a row for each enabled mirror, which is due an interval after its last
// full scan, and one for each folder of a mirror that somebody asked for, which is listed once.
//
// A worker takes a row that is due: for two minutes nobody else takes it, and within these it takes
// the mirror's ScanLock, which ends with its session. So what a worker that dies had taken is due
// again at once, or two minutes after it was taken; four minutes the second time in a row, then
// eight, up to 17 hours, so that a mirror that ends its workers does not end all. A mirror whose
// ScanLock somebody has is taken by nobody, whether a worker lists it or an admin does.
//
// One thread, one Connection; functions throw Error. REQUIRES: no transaction is open.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/model.h"
#include "db/scan_lock.h"
#include "pg/connection.h"

namespace mirror::db {

// For mirrors that have nothing of their own.
struct ScanRhythm {
  double interval_hours = 0;  // from one full scan to the next
  std::string hours;          // of the day, by UTC, in which scans begin: 22-6; "": all
};

struct ScanJob {
  MirrorId mirror_id = 0;
  std::string mirror;   // its identifier
  std::string subtree;  // "": the whole mirror
  std::string asked;    // when, by the database's clock, as it writes that
};

// What is due first: folders, then mirrors whose last good scan was before the source's last
// change, then those that are due for longest. `near` is a region (EU), a country (DE), or "":
// mirrors of it come first, others only half an hour after they were due. A code that is both is a
// region. nullopt: nothing is due.
std::optional<ScanJob> take_scan_job(Connection&, const ScanRhythm& rhythm, std::string_view near);
// It was done, or cannot be done: a folder's row goes, unless it was asked for again meanwhile. A
// mirror whose next scan was not planned is due again in ten minutes.
void end_scan_job(Connection&, const ScanJob& job);
// It could not be done just now: it is due again in so many seconds.
void put_back_scan_job(Connection&, const ScanJob& job, std::chrono::seconds due_in);

// A full scan of the mirror has ended, whoever began it. The next one is due after the interval,
// give or take a tenth; after n scans that failed in a row, 10 minutes times 2^(n-1) later, but no
// later than after two intervals.
// After a good one, no folder need be listed that was asked for before it began.
struct EndedScan {
  bool failed = false;
  std::int64_t known_rev = -1;  // of a good one: the source's rev that it began with
};
void plan_next_scan(Connection&, MirrorId, const ScanRhythm& rhythm, const EndedScan& ended);

// The folder shall be listed soon; "" stands for the whole mirror.
void ask_for_scan(Connection&, MirrorId, std::string_view subtree);

// A mirror that could not be listed so many times in a row, and for so long, is disabled, unless
// the last scan of most mirrors failed: then the trouble is ours. Returns why; "": it is not.
std::string disable_failing_mirror(Connection&, MirrorId, int least_failures, double least_age_s);

struct QueuedScan {
  std::string mirror, subtree;
  std::int64_t due_in_s = 0;  // below 0: it could have begun so long ago
  bool waits_for_hour = false;
  std::optional<LockHolder> held;  // somebody lists this mirror
  int failures = 0;                // full scans in a row
  int broken_off = 0;              // how often in a row a worker took it and never ended it
};
// Of enabled mirrors, in the order in which they are due.
std::vector<QueuedScan> list_scan_queue(Connection&, const ScanRhythm& rhythm);

struct ScanWorker {
  std::string host;
  std::int32_t process = 0;
  std::string near;
  std::int64_t silent_s = 0;
};
// This process is at work. Workers that were silent for a day are forgotten.
void note_scan_worker(Connection&, std::string_view near);
void forget_scan_worker(Connection&);
std::vector<ScanWorker> list_scan_workers(Connection&);  // by host and process

}  // namespace mirror::db
