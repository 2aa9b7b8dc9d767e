#include "connection_pool.h"

#include <algorithm>
#include <iterator>

#include "db/session.h"

namespace mirror::httpd {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kGlance{
    100};  // after so long a waiting request sees what another process has found out
constexpr milliseconds kShortWait{200};        // for a connection that others hold, while none of
                                               // them gets an answer
constexpr milliseconds kAskedFor{200};         // others give idle connections up for so long
constexpr milliseconds kSlotRetry{10};         // for a slot that others hold
constexpr milliseconds kServerFullRetry{200};  // PostgreSQL's own limit is reached
constexpr milliseconds kSlowRetry{500};        // one more did not come in time
constexpr milliseconds kProbePause{500};
constexpr milliseconds kOutagePause{250};
constexpr milliseconds kPartingWait{100};
constexpr int kLosses = 3;
constexpr seconds kIdleLimit{60};
constexpr seconds kReasonPause{60};  // between two reasons of one outage

bool server_is_full(const db::Error& error) {
  return error.sqlstate() == "53300";
}  // too_many_connections

bool is_timeout(const db::Error& error) {
  return dynamic_cast<const db::Timeout*>(&error) != nullptr;
}

// True if the server dropped this connection; not if it takes no connections or is silent.
bool is_loss(const db::Error& error, bool established) {
  if (error.sqlstate() == "57P01") return true;  // admin_shutdown, of one backend or all
  return established && dynamic_cast<const db::ConnectionError*>(&error) != nullptr &&
         !is_timeout(error);
}

}  // namespace

ConnectionPool::ConnectionPool(PoolOptions options, SharedDatabase& shared, Prepare prepare,
                               Log log)
    : options_(std::move(options)),
      shared_(shared),
      prepare_(std::move(prepare)),
      log_(std::move(log)) {}

void ConnectionPool::start() {
  shared_.forget_own_slots();
  if (!thread_.start([this] { return step(); }, [this] { finish(); }))
    log_(LogLevel::error, LogId(202),
         "MirrorDatabase " + options_.name + ": cannot start the thread for its connections");
}

std::unique_ptr<PooledConnection> ConnectionPool::borrow(Clock::time_point deadline) {
  const auto started_at = Clock::now();
  bool too_late = false;
  {
    std::unique_lock lock(mutex_);
    ++waiting_;
    while (!shared_.down() && !thread_.stopping() && !too_late) {
      if (auto connection = take_idle()) {
        --waiting_;
        return connection;
      }
      thread_.wake();
      // A connection that can still be made is worth waiting for; the attempt ends in success or in
      // trip().
      const auto until = full_ ? patience_with_others(started_at, deadline) : deadline;
      if (Clock::now() < until) {
        available_.wait_until(lock, std::min(until, Clock::now() + kGlance));
      } else if (full_) {
        break;
      } else {
        too_late = true;
      }
    }
    --waiting_;
  }
  // The attempt hangs in the name service, where it has no time limit: the next request must not
  // wait for it too.
  if (too_late && deadline - started_at > options_.timeout / 2 &&
      !shared_.answered_since(started_at))
    trip("no connection was made in time", shared_.outages());
  return nullptr;
}

// While others get their answers, one of their connections comes free soon; half of the time is
// left to ask over it.
Clock::time_point ConnectionPool::patience_with_others(Clock::time_point started_at,
                                                       Clock::time_point deadline) const {
  return std::min(started_at + (deadline - started_at) / 2,
                  std::max(started_at, shared_.answered_at()) + kShortWait);
}

// Those from before an outage are not to be trusted.
std::unique_ptr<PooledConnection> ConnectionPool::take_idle() {
  while (!idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    if (connection->outage == shared_.outages()) return connection;
  }
  return nullptr;
}

void ConnectionPool::give_back(std::unique_ptr<PooledConnection> connection) {
  if (connection->connection.broken() || shared_.down() || connection->outage != shared_.outages())
    return;
  shared_.note_answer();
  connection->connection.set_deadline(std::nullopt);
  connection->idle_since = Clock::now();
  const int limit = options_.max_connections;
  const std::lock_guard lock(mutex_);
  if (shared_.others_ask() &&
      (waiting_ == 0 || (shared_.others_starve(limit) && shared_.own_slots(limit) > 1))) {
    leaving_.push_back(std::move(connection));
    thread_.wake();
    return;
  }
  idle_.push_back(std::move(connection));
  available_.notify_one();
}

void ConnectionPool::drop_idle() {
  std::vector<std::unique_ptr<PooledConnection>> dropped;  // closed without the lock
  const std::lock_guard lock(mutex_);
  dropped.swap(idle_);
}

void ConnectionPool::trip(const std::string& reason, std::uint32_t outage) {
  if (outage != shared_.outages()) return;
  shared_.trip(kOutagePause);
  if (shared_.outage_log.opens(reason, kReasonPause)) {
    log_(LogLevel::error, LogId(201),
         "MirrorDatabase " + options_.name + ": " + reason +
             "; requests are answered without it until it answers");
  }
  drop_idle();
  available_.notify_all();
}

Clock::duration ConnectionPool::step() noexcept {
  try {
    return tend();
  } catch (const std::exception& error) {
    log_(LogLevel::error, LogId(203), "MirrorDatabase " + options_.name + ": " + error.what());
  }
  return kOutagePause;
}

void ConnectionPool::finish() noexcept {
  {
    const std::lock_guard lock(mutex_);
    std::move(idle_.begin(), idle_.end(), std::back_inserter(leaving_));
    idle_.clear();
  }
  part_with_leaving(shared_.down() ? milliseconds(0) : kPartingWait);
  available_.notify_all();
}

bool ConnectionPool::starving() const {
  return waiting_ > 0 && idle_.empty() && Clock::now() >= retry_at_;
}

Clock::duration ConnectionPool::tend() {
  part_with_leaving(kPartingWait);
  if (shared_.down()) return tend_outage();
  bool wanted;
  {
    const std::lock_guard lock(mutex_);
    wanted = starving() || eager_;
  }
  if (wanted) connect_for_requests();
  return tend_idle();
}

// An empty one when there is no room, or when what room there is belongs to others.
ConnectionSlot ConnectionPool::slot_for_requests() {
  const int limit = options_.max_connections;
  const bool crowded = shared_.slots_in_use(limit) * 2 >= limit;
  {
    const std::lock_guard lock(mutex_);
    const bool only_eager = waiting_ == 0;
    eager_ = false;
    if (only_eager && crowded) return {};
  }
  if (shared_.others_starve(limit)) return {};
  ConnectionSlot slot = shared_.take_slot(limit);
  if (!slot) shared_.ask_for_slot(kAskedFor);
  return slot;
}

void ConnectionPool::connect_for_requests() {
  ConnectionSlot slot = slot_for_requests();
  {
    const std::lock_guard lock(mutex_);
    full_ = !slot;
    retry_at_ = Clock::now() + kSlotRetry;
  }
  if (!slot) return available_.notify_all();  // they wait no longer than for what others hold
  auto connection = connect(std::move(slot));
  const std::lock_guard lock(mutex_);
  if (connection != nullptr) {
    idle_.push_back(std::move(connection));
    retry_at_ = {};
  }
  available_.notify_all();
}

// nullptr when it could not be made: the breaker has then been tripped, unless the server just has
// no room, dropped this one, or answers over others (one more takes many messages, which a slow
// line holds up).
std::unique_ptr<PooledConnection> ConnectionPool::connect(ConnectionSlot slot) {
  const std::uint32_t outage = shared_.outages();
  bool established = false;
  const auto started_at = Clock::now();
  try {
    const auto deadline = started_at + options_.timeout;
    auto made = std::make_unique<PooledConnection>(
        PooledConnection{std::move(slot),
                         db::open_session(options_.conninfo, {.program = "mod_mirror",
                                                              .connect_timeout = options_.timeout,
                                                              .first_host = shared_.first_host(),
                                                              .established = &established}),
                         outage});
    shared_.remember_host(made->connection.host());
    made->connection.set_deadline(deadline);
    prepare_(made->connection);
    made->connection.set_deadline(std::nullopt);
    made->idle_since = Clock::now();
    losses_ = 0;
    return made;
  } catch (const db::Error& error) {
    if (server_is_full(error)) {
      complain_of_room(error.what());
    } else if (is_timeout(error) && shared_.answered_since(started_at)) {
      const std::lock_guard lock(mutex_);
      retry_at_ = Clock::now() + kSlowRetry;
    } else if (!is_loss(error, established) || ++losses_ == kLosses) {
      losses_ = 0;
      trip(error.what(), outage);
    } else {
      const std::lock_guard lock(mutex_);
      retry_at_ = {};
    }
    return nullptr;
  }
}

void ConnectionPool::complain_of_room(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  full_ = true;
  retry_at_ = Clock::now() + kServerFullRetry;
  const std::string line =
      "MirrorDatabase " + options_.name + ": " + reason +
      "; lower MirrorDatabaseMaxConnections or raise PostgreSQL's max_connections";
  if (shared_.room_log.opens(line)) log_(LogLevel::warning, LogId(204), line);
}

Clock::duration ConnectionPool::tend_outage() {
  drop_idle();
  available_.notify_all();
  if (!shared_.claim_probe(2 * options_.timeout + kProbePause)) return kOutagePause;
  if (ConnectionSlot slot = shared_.take_slot(options_.max_connections)) {
    if (auto connection = connect(std::move(slot))) {
      if (shared_.recover())
        log_(LogLevel::notice, LogId(205), "MirrorDatabase " + options_.name + ": answers again");
      give_back(std::move(connection));
      return Clock::duration::zero();
    }
  }
  shared_.postpone_probe(kProbePause);
  return kOutagePause;
}

// Gives up connections that others ask for, and those that have been idle for long, except the last
// one.
Clock::duration ConnectionPool::tend_idle() {
  const int in_use = shared_.slots_in_use(options_.max_connections);
  std::vector<std::unique_ptr<PooledConnection>> dropped;
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  if (!idle_.empty() && waiting_ == 0 && shared_.others_ask()) {
    leaving_.push_back(std::move(idle_.front()));
    idle_.erase(idle_.begin());
    return Clock::duration::zero();
  }
  while (idle_.size() > 1 && now - idle_.front()->idle_since > kIdleLimit) {
    dropped.push_back(std::move(idle_.front()));
    idle_.erase(idle_.begin());
  }
  if (waiting_ > 0 && idle_.empty())
    return std::max<Clock::duration>(retry_at_ - now, Clock::duration::zero());
  if (idle_.empty()) return seconds(1);
  return in_use * 2 >= options_.max_connections ? milliseconds(25) : milliseconds(250);
}

// A slot is free for others when the server has ended the connection, so that it never counts more
// than the limit.
void ConnectionPool::part_with_leaving(milliseconds patience) {
  std::vector<std::unique_ptr<PooledConnection>> leaving;
  {
    const std::lock_guard lock(mutex_);
    leaving.swap(leaving_);
  }
  const auto deadline = Clock::now() + patience;
  for (auto& pooled : leaving) {
    pooled->connection.close(std::chrono::ceil<milliseconds>(
        std::max(deadline - Clock::now(), Clock::duration::zero())));
    pooled.reset();
  }
}

}  // namespace mirror::httpd
