#include "connection_pool.h"

#include <algorithm>

namespace mirror::httpd {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kShortWait{100};        // for a connection that others hold
constexpr milliseconds kSlotRetry{10};         // for a slot that others hold
constexpr milliseconds kServerFullRetry{200};  // PostgreSQL's own limit is reached
constexpr milliseconds kProbePause{500};
constexpr milliseconds kOutagePause{250};
constexpr seconds kIdleLimit{60};

// libpq has no SQLSTATE for a refused connection (53300 too_many_connections), only the text.
bool server_is_full(const db::Error& error) {
  const std::string_view text = error.what();
  if (error.sqlstate() == "53300" || text.find("53300") != text.npos) return true;
  return text.find("too many c") != text.npos || text.find("remaining connection slots") != text.npos;
}

}  // namespace

ConnectionPool::ConnectionPool(PoolOptions options, SharedDatabase& shared, Prepare prepare, Log log)
    : options_(std::move(options)), shared_(shared), prepare_(std::move(prepare)), log_(std::move(log)) {}

void ConnectionPool::start() {
  shared_.forget_own_slots();
  connecting_ = true;
  thread_.start([this] { run(); });
}

void ConnectionPool::ask_to_stop() noexcept {
  stopping_ = true;
  wake_.notify_all();  // without the lock: see BackgroundThread::join_by. A wake-up lost so is made up for by the next time-out.
}

std::unique_ptr<PooledConnection> ConnectionPool::borrow(Clock::time_point deadline) {
  if (shared_.down()) return nullptr;
  const auto short_deadline = std::min(deadline, Clock::now() + kShortWait);
  std::unique_lock lock(mutex_);
  ++waiting_;
  while (idle_.empty() && !shared_.down() && !stopping_) {
    wake_.notify_one();
    // A connection under way is worth waiting for; it ends in success or in trip().
    const auto until = connecting_ ? deadline : short_deadline;
    if (Clock::now() >= until) break;
    available_.wait_until(lock, until);
  }
  --waiting_;
  if (idle_.empty() || shared_.down()) return nullptr;
  auto connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

void ConnectionPool::give_back(std::unique_ptr<PooledConnection> connection) {
  if (connection->connection.broken() || shared_.down()) return;
  connection->connection.set_deadline(std::nullopt);
  connection->idle_since = Clock::now();
  const std::lock_guard lock(mutex_);
  if (waiting_ == 0 && shared_.others_ask()) return;
  idle_.push_back(std::move(connection));
  available_.notify_one();
}

void ConnectionPool::drop_idle() {
  std::vector<std::unique_ptr<PooledConnection>> dropped;  // closed without the lock
  const std::lock_guard lock(mutex_);
  dropped.swap(idle_);
}

void ConnectionPool::trip(const std::string& reason) {
  if (shared_.trip(kOutagePause)) {
    log_(LogLevel::error, "MirrorDatabase " + options_.name + ": " + reason + "; requests go without it until it answers");
  }
  drop_idle();
  available_.notify_all();
}

void ConnectionPool::run() noexcept {
  while (!stopping_) {
    Clock::duration pause = kOutagePause;
    try {
      pause = step();
    } catch (const std::exception& error) {
      log_(LogLevel::error, "MirrorDatabase " + options_.name + ": " + error.what());
    }
    std::unique_lock lock(mutex_);
    if (!stopping_ && !starving()) wake_.wait_for(lock, pause);
  }
  available_.notify_all();
}

bool ConnectionPool::starving() const { return waiting_ > 0 && idle_.empty() && !shared_.down() && Clock::now() >= retry_at_; }

Clock::duration ConnectionPool::step() {
  if (shared_.down()) return tend_outage();
  bool wanted;
  {
    const std::lock_guard lock(mutex_);
    wanted = starving() || eager_;
  }
  if (wanted) connect_for_requests();
  return tend_idle();
}

void ConnectionPool::connect_for_requests() {
  const bool crowded = shared_.slots_in_use(options_.max_connections) * 2 >= options_.max_connections;
  Slot slot = eager_ && crowded && waiting_ == 0 ? Slot() : shared_.take_slot(options_.max_connections);
  {
    const std::lock_guard lock(mutex_);
    connecting_ = static_cast<bool>(slot);
    retry_at_ = Clock::now() + kSlotRetry;
    if (!slot && waiting_ > 0) shared_.ask_for_slot(2 * kShortWait);
    eager_ = false;
  }
  std::unique_ptr<PooledConnection> connection;
  if (slot) connection = connect(std::move(slot));
  const std::lock_guard lock(mutex_);
  connecting_ = false;
  if (connection != nullptr) {
    idle_.push_back(std::move(connection));
    retry_at_ = {};
  }
  available_.notify_all();
}

// nullptr when it could not be made: the breaker has then been tripped, unless the server just has no room.
std::unique_ptr<PooledConnection> ConnectionPool::connect(Slot slot) {
  try {
    const auto deadline = Clock::now() + options_.timeout;
    auto made = std::make_unique<PooledConnection>(PooledConnection{
        std::move(slot), db::Connection(options_.conninfo, "mod_mirror", options_.timeout, shared_.first_host())});
    shared_.remember_host(made->connection.host());
    made->connection.set_deadline(deadline);
    prepare_(made->connection);
    made->connection.set_deadline(std::nullopt);
    made->idle_since = Clock::now();
    return made;
  } catch (const db::Error& error) {
    if (!server_is_full(error)) {
      trip(error.what());
      return nullptr;
    }
    const std::lock_guard lock(mutex_);
    retry_at_ = Clock::now() + kServerFullRetry;
    if (Clock::now() < full_logged_until_) return nullptr;
    full_logged_until_ = Clock::now() + kIdleLimit;
    log_(LogLevel::warning, "MirrorDatabase " + options_.name + ": " + error.what() +
                                "; lower MirrorDatabaseMaxConnections or raise PostgreSQL's max_connections");
    return nullptr;
  }
}

Clock::duration ConnectionPool::tend_outage() {
  drop_idle();
  available_.notify_all();
  if (!shared_.claim_probe(2 * options_.timeout + kProbePause)) return kOutagePause;
  Slot slot = shared_.take_slot(options_.max_connections);
  if (slot) {
    if (auto connection = connect(std::move(slot))) {
      if (shared_.recover()) log_(LogLevel::notice, "MirrorDatabase " + options_.name + ": answers again");
      give_back(std::move(connection));
      return Clock::duration::zero();
    }
  }
  shared_.postpone_probe(kProbePause);
  return kOutagePause;
}

// Gives up what others ask for, and what has been idle for long, but for the last one.
Clock::duration ConnectionPool::tend_idle() {
  const int in_use = shared_.slots_in_use(options_.max_connections);
  std::vector<std::unique_ptr<PooledConnection>> dropped;
  const std::lock_guard lock(mutex_);
  if (!idle_.empty() && waiting_ == 0 && shared_.others_ask()) {
    dropped.push_back(std::move(idle_.front()));
    idle_.erase(idle_.begin());
  }
  while (idle_.size() > 1 && Clock::now() - idle_.front()->idle_since > kIdleLimit) {
    dropped.push_back(std::move(idle_.front()));
    idle_.erase(idle_.begin());
  }
  const auto now = Clock::now();
  if (waiting_ > 0 && retry_at_ > now) return retry_at_ - now;
  if (idle_.empty()) return seconds(1);
  return in_use * 2 >= options_.max_connections ? milliseconds(25) : milliseconds(250);
}

}  // namespace mirror::httpd
