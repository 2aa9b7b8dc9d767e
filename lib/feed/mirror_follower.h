// Keeps the mirrors of the catalog in use up to date, with its own thread and connection. So a
// disabled mirror is noticed within a second, whatever delays the files (a lock on their table, a
// long pull, a slow disk, a new catalog). Only the catalog's writer runs one.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "catalog/catalog.h"
#include "core/log.h"
#include "core/pause.h"
#include "feed/options.h"
#include "pg/connection.h"

namespace mirror {

class MirrorFollower {
 public:
  // Starts the thread, which has the caller's signal mask. All references must outlive this. Throws
  // std::system_error if no thread can be started.
  MirrorFollower(const FeedOptions& options, catalog::Catalog& catalog, Log log);
  // Waits for the thread, whose waits for the database then end at once.
  ~MirrorFollower();
  MirrorFollower(const MirrorFollower&) = delete;

 private:
  using Steady = std::chrono::steady_clock;

  void run() noexcept;
  void step() noexcept;
  void follow();
  void connect();
  void pull(const std::shared_ptr<catalog::Environment>& environment);
  static std::shared_ptr<const MirrorTable> known_mirrors(
      const std::shared_ptr<catalog::Environment>& environment);
  void tell_pause(const std::shared_ptr<catalog::Environment>& environment);
  bool knows(const catalog::Meta& meta, const std::string& file);
  bool feed_has_contact() const;
  void failed(const std::string& fault) noexcept;
  void succeeded(const std::string& unreadable);
  void say(LogLevel level, LogId id, const std::string& line, LogPlace place = LogPlace::here());

  const FeedOptions& options_;
  catalog::Catalog& catalog_;
  const Log log_;
  std::atomic<bool> stopping_{false};
  std::unique_ptr<db::Connection> connection_;
  bool listens_ = false;
  bool fresh_connection_ = false;  // nothing was asked on it yet
  std::string known_file_;         // the database has this file's revision
  Steady::time_point next_connect_{}, next_poll_{}, contact_at_ = Steady::now();
  bool fault_said_ = false;
  std::string unreadable_said_;
  std::optional<Pause> pause_said_;
  std::string told_file_;  // whose pause, or that it has none, is known here
  std::mutex mutex_;       // of the wait between two steps
  std::condition_variable wake_;
  std::thread thread_;  // the last member: it uses all others
};

}  // namespace mirror
