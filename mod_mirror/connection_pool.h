// A child's connections to one database. A background thread makes them, gives idle ones up to
// processes that ask, and probes the database while it is down; requests only borrow, from any
// thread, and never wait for a connection that cannot come.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "background.h"
#include "core/log.h"
#include "pg/connection.h"
#include "shared.h"

namespace mirror::httpd {

using db::Clock;

struct PoolOptions {
  std::string conninfo;
  std::string name;  // for messages
  int max_connections = 0;
  std::chrono::milliseconds timeout{};
};

struct PooledConnection {
  ConnectionSlot slot;  // outlives the connection
  db::Connection connection;
  std::uint32_t outage = 0;  // SharedDatabase::outages() when it was made
  Clock::time_point idle_since{};
};

class ConnectionPool {
 public:
  // `prepare` makes a new connection ready; what it throws means that the database cannot be used.
  using Prepare = std::function<void(db::Connection&)>;

  ConnectionPool(PoolOptions options, SharedDatabase& shared, Prepare prepare, Log log);
  void start();
  void ask_to_stop() noexcept { thread_.ask_to_stop(); }
  // See StepThread::join_by.
  bool join_by(Clock::time_point deadline) noexcept { return thread_.join_by(deadline); }

  // nullptr: the database is down, or no connection came free: others hold all for long.
  std::unique_ptr<PooledConnection> borrow(Clock::time_point deadline);
  void give_back(std::unique_ptr<PooledConnection> connection);
  // Idle connections cannot be trusted any more.
  void drop_idle();
  // The database does not answer: from now on no process asks it, until a probe gets an answer.
  // `outage` is that of the connection that failed.
  void trip(const std::string& reason, std::uint32_t outage);

  const PoolOptions& options() const { return options_; }

 private:
  Clock::duration step() noexcept;
  Clock::duration tend();
  void finish() noexcept;
  Clock::duration tend_outage();
  Clock::duration tend_idle();
  void connect_for_requests();
  std::unique_ptr<PooledConnection> connect(ConnectionSlot slot);
  void complain_of_room(const std::string& reason);
  ConnectionSlot slot_for_requests();
  Clock::time_point patience_with_others(Clock::time_point started_at,
                                         Clock::time_point deadline) const;
  std::unique_ptr<PooledConnection> take_idle();
  bool starving() const;
  void part_with_leaving(std::chrono::milliseconds patience);

  const PoolOptions options_;
  SharedDatabase& shared_;
  const Prepare prepare_;
  const Log log_;
  StepThread thread_;

  std::mutex mutex_;                                     // of what follows
  std::condition_variable available_;                    // for requests
  std::vector<std::unique_ptr<PooledConnection>> idle_;  // the last one was used last
  std::vector<std::unique_ptr<PooledConnection>>
      leaving_;  // for other processes: the background thread parts with them
  int waiting_ = 0;
  bool full_ = false;  // there was no room for another connection when one was last tried
  bool eager_ = true;  // the first connection is made before anybody waits for it
  Clock::time_point retry_at_{};
  int losses_ = 0;  // connections in a row that were lost while they were made ready
};

}  // namespace mirror::httpd
