// Reads stamps: small files that say how new a mirror's tree is. Each mirror's by its first way
// that is up, every few minutes, and the source's own; what they say goes into the database
// (db/mirror/stamps.h), and by that mirrors become stale or good (db/mirror/stale.h). One thread.
// Times are seconds of the prober's clock.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/instance.h"
#include "db/mirror/mirrors.h"
#include "db/mirror/stale.h"
#include "db/mirror/stamps.h"
#include "net/request_pool.h"
#include "net/retry_after.h"
#include "scanner/check/check.h"
#include "scanner/probe/fleet.h"
#include "scanner/probe/report.h"
#include "scanner/probe/stamp_answer.h"

namespace mirror::probe {

class Stamps {
 public:
  // All must outlive it. `always`: reads the stamp of every mirror once, also if it was read just
  // now.
  Stamps(net::RequestPool& pool, net::Rests& rests, Reporter& reporter, const Instance& instance,
         const CheckOptions& options, bool always);

  // Begins with what the database says.
  void begin(db::Connection& connection, double now_s);
  void set_mirrors(const std::vector<db::MirrorRecord>& mirrors);
  // Starts what is due. `items`: the ways of all mirrors.
  void ask(const std::vector<Item*>& items, double now_s);
  // Writes what came, and judges. Throws db::Error.
  void write(db::Connection& connection, double now_s);
  void discard() { came_.clear(); }  // where nothing may be written
  // Whether nothing is under way and nobody is still to be asked that can be.
  bool finished(const std::vector<Item*>& items) const;

 private:
  struct Asked {  // a mirror
    std::string name;
    std::string path;  // of its stamp; "": it has none
    bool is_stale = false;
    double due_s = 0;
    bool running = false;
    bool had_fault = false;  // the last answer could not be used
    std::string told;        // the fault that was told last
  };
  const Item* way_of(MirrorId id, const std::vector<Item*>& items) const;
  void start(MirrorId id, const Item& item, double now_s);
  void ask_on(MirrorId id, const std::string& path, StampRequest request);
  void answered(MirrorId id, const std::string& path, const StampAnswer& answer);
  void ask_source(double now_s);
  void ask_source_on(StampRequest request);
  void source_answered(const StampAnswer& answer);
  double wait_s(const Asked& mirror) const;

  net::RequestPool& pool_;
  net::Rests& rests_;
  Reporter& reporter_;
  const Instance& instance_;
  const CheckOptions& options_;
  const bool always_;
  std::map<MirrorId, Asked> mirrors_;
  std::deque<db::MirrorStamp> came_;         // not written yet
  std::optional<std::int64_t> source_came_;  // Unix time
  bool source_has_stamp_;                    // whether it was read yet or not
  std::string source_told_;
  bool source_running_ = false;
  double source_due_s_ = 0, judged_s_ = -1, now_s_ = 0;
};

}  // namespace mirror::probe
