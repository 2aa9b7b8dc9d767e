// Keeps a catalog up to date: from one database into one directory, on every redirector host. Of
// all processes that run a Feed for a directory, one is the writer; the others only watch for a new
// file. When the writer ends, for whatever reason, another one takes over. The writer has a second
// thread for the mirrors (feed/mirror_follower.h). One thread calls step(); everything that takes
// long checks `stop` in between.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "catalog/catalog.h"
#include "core/log.h"
#include "db/unreadable.h"
#include "feed/mirror_follower.h"
#include "feed/options.h"
#include "pg/connection.h"

namespace mirror {

class Feed {
 public:
  Feed(FeedOptions options, catalog::Catalog& catalog, const std::atomic<bool>& stop, Log log);
  ~Feed();

  // Opens the catalog that is there, or says what is wrong with it. Never throws.
  void begin() noexcept;
  // One look, and all the work it finds; returns how long to wait before the next one. Never
  // throws.
  std::chrono::milliseconds step() noexcept;
  // Only a look for a new file, for those that shall not write. Never throws.
  void look() noexcept;
  // The lock and the connections go, and the fault with them: another process takes over.
  void step_down() noexcept;
  bool is_writer() const { return lock_.has_value(); }

 private:
  void watch();
  bool refresh();
  bool take_lock(bool well);
  void keep_in_place();
  void say_made_again(const std::string& what, const std::string& how);
  void copy_open_file(const catalog::Environment& environment);
  void follow();
  void connect();
  void tell_database() noexcept;
  void bring_up_to_date();
  void pull(const std::shared_ptr<catalog::Environment>& environment);
  void say_unreadable(const db::UnreadableRows& rows);
  void load();
  void say(LogLevel level, LogId id, const std::string& line, LogPlace place = LogPlace::here());
  void say_fault(const std::string& fault);
  void recovered();
  void end_fault();

  const FeedOptions options_;
  catalog::Catalog& catalog_;
  const std::atomic<bool>& stop_;
  const Log log_;
  std::optional<catalog::WriterLock> lock_;
  std::unique_ptr<db::Connection> connection_;
  bool listens_ = false;
  bool fresh_connection_ = false;  // nothing was asked on it yet
  std::chrono::steady_clock::time_point next_poll_{}, next_connect_{}, next_lock_{}, next_sweep_{},
      next_load_{}, next_try_{}, next_note_{};
  std::chrono::steady_clock::time_point contact_at_;
  std::chrono::milliseconds fault_pause_;  // doubles while a fault lasts
  bool away_said_ = false;
  bool make_anew_ = false;  // CURRENT was taken away: who did that wants another file
  std::string fault_;       // the last one, so that each is said once
  std::string unreadable_said_;
  std::unique_ptr<MirrorFollower> mirrors_;  // as long as this is the writer
};

}  // namespace mirror
