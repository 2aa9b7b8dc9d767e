// Probes mirrors: starts the checks that are due, many at a time, decides what their results mean
// and writes it. Between calls of step() nothing happens. One thread.
#pragma once

#include <memory>
#include <vector>

#include "core/path_rules.h"
#include "net/request_pool.h"
#include "net/retry_after.h"
#include "pg/connection.h"
#include "scanner/check/check.h"
#include "scanner/fresh/fresh_checks.h"
#include "scanner/probe/content_checks.h"
#include "scanner/probe/findings.h"
#include "scanner/probe/fleet.h"
#include "scanner/probe/folder_checks.h"
#include "scanner/probe/jobs.h"
#include "scanner/probe/network.h"
#include "scanner/probe/probe_options.h"
#include "scanner/probe/report.h"
#include "scanner/probe/source_web.h"
#include "scanner/probe/stamps.h"

namespace mirror::probe {

class Prober {
 public:
  // All must outlive it. `wake_fd` is readable once the program shall end.
  Prober(const ProbeOptions& options, Reporter& reporter, int wake_fd);

  // Begins with what the database says; again after another connection was made. `writes`: else
  // nothing is ever written.
  void begin(db::Connection& connection, bool writes);
  // Goes on for a moment. Throws db::Error, and FetchError when libcurl cannot be used.
  void step(db::Connection& connection);

  // After the last step: writes what is known, and what the next run goes on with. The cheap comes
  // first, so that a merge of somebody else's holds up nothing but withdrawals and confirmations.
  // Throws db::Error.
  void end(db::Connection& connection);

  // Not for a service: whether every item was checked as often as its state needs.
  bool finished() const;
  bool all_good() const;  // all are up and had the files that were asked for
  // Whether results were left aside because our own network may be ill.
  bool had_trouble() const { return had_trouble_; }
  // Whether some mirror could not be asked, because no file is known that it has.
  bool had_no_file() const { return had_no_file_; }
  std::size_t mirrors() const { return mirrors_; }

 private:
  struct Run;  // a check under way
  void look_at_clock();
  void step_files(db::Connection& connection);
  void step_folders(db::Connection& connection);
  void read_mirrors(db::Connection& connection);
  void start_due(db::Connection& connection);
  void start(Item& item, const Job& job);
  void ask(const std::shared_ptr<Run>& run);
  CheckTarget target_of(const db::MirrorRecord& record, Way way, const Job& job) const;
  bool ask_other_way(const Run& run, const Verdict& verdict, std::vector<Way> ways);
  void other_way_ended(const Run& run, const Verdict& verdict);
  std::vector<Way> other_ways(const Item& item) const;
  void missing(const Run& run, Verdict verdict, bool elsewhere);
  void note_missing(const Run& run, const Verdict& verdict);
  void ended(Run& run, const Verdict& verdict);
  void refused_in_row(const Run& run, Verdict verdict);
  void rare_failed(const Run& run, Verdict verdict);
  void failed(const Run& run, const Verdict& verdict);
  void judge_file(const Run& run, const Verdict& verdict);
  int files_of(const Item& item) const;
  net::PoolRequest::Connection connection_of(const Item& item) const;
  bool goes_on(Item& item, const Verdict& verdict) const;
  void look_at_return(const Item& item);
  bool rests(Item& item) const;
  void apply(Item& item, const Verdict& verdict, const std::string& path, Job::Kind kind);
  void decide();
  void ask_others(Item& item, const std::vector<Item*>& items) const;
  void tell_trouble(Family family);
  void apply_pending(Item& item);
  void leave_aside(Item& item);
  void warn_of_certificate(Item& item);
  void write(db::Connection& connection);
  void write_health(db::Connection& connection);
  std::chrono::milliseconds until_next() const;

  const ProbeOptions& options_;
  Reporter& reporter_;
  const int wake_fd_;
  const CheckOptions check_options_;
  const HysteresisOptions hysteresis_options_;
  Fleet fleet_;
  net::RequestPool pool_;  // its requests point to items
  net::Rests rests_;
  Network network_;
  fresh::FreshChecks fresh_;
  Stamps stamps_;
  ContentChecks content_;
  FolderChecks folders_;
  Findings findings_;
  SourceWeb source_web_;
  Jobs jobs_;
  bool writes_ = false, had_trouble_ = false, had_no_file_ = false;
  bool told_trouble_[2] = {false, false};  // by family
  PathRules rules_;
  std::size_t mirrors_ = 0;
  std::int64_t revision_ = -1;  // of the mirrors as read
  double now_s_ = 0;            // of the steady clock, at the last look
  double stalled_s_ = -1;       // when this program last went on after it had stood still
  double looked_s_ = -1, read_s_ = -1, wrote_s_ = -1, remembered_s_ = -1, pruned_s_ = -1,
         merge_again_s_ = -1;
};

}  // namespace mirror::probe
