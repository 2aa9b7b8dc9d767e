#include "db/scan_lock.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <ctime>
#include <random>
#include <thread>
#include <utility>

#include "db/locks.h"
#include "os/host_name.h"

namespace mirror::db {
namespace {

constexpr std::chrono::milliseconds kLookAgain(50);

// Of `scan_lock l`: its session has its number's lock. Another session may have it too, as anybody
// may take any advisory lock; that says nothing.
constexpr const char* kHeld =
    "EXISTS (SELECT FROM pg_locks k WHERE k.locktype = 'advisory' AND k.granted "
    "AND k.mode = 'ExclusiveLock' AND k.pid = l.backend "
    "AND k.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND k.classid = {}::oid AND k.objid = l.token::oid AND k.objsubid = 2)";

// Positive, so that it is the same number as an oid.
std::int32_t random_token() {
  std::random_device device;
  return static_cast<std::int32_t>(device() & 0x7fffffff);
}

std::int32_t take_token(Connection& connection) {
  for (;;) {
    const std::int32_t token = random_token();
    if (connection
            .run("SELECT pg_try_advisory_lock($1, $2)", Params().int4(kTokenSpace).int4(token))
            .boolean(0, 0)) {
      return token;
    }
  }
}

void let_go(Connection& connection, std::int32_t token) {
  connection.run("SELECT pg_advisory_unlock($1, $2)", Params().int4(kTokenSpace).int4(token));
}

}  // namespace

std::string scan_lock_is_held() { return fmt::format(kHeld, kTokenSpace); }

std::string LockHolder::text() const {
  return fmt::format("{} on host {}, process {}, since {:%Y-%m-%d %H:%M} UTC", program, host,
                     process, fmt::gmtime(static_cast<std::time_t>(since_s)));
}

std::optional<ScanLock> ScanLock::try_take(Connection& connection, MirrorId id) {
  Transaction transaction(connection);
  connection.run(
      "INSERT INTO scan_lock (mirror_id, backend, token, host, process, program, since) "
      "VALUES ($1, 0, 0, '', 0, '', now()) ON CONFLICT DO NOTHING",
      Params().int2(id));
  connection.run("SELECT FROM scan_lock WHERE mirror_id = $1 FOR UPDATE", Params().int2(id));
  if (scan_lock_holder(connection, id)) return std::nullopt;
  const std::int32_t token = take_token(connection);
  connection.run(
      "UPDATE scan_lock SET backend = pg_backend_pid(), token = $2, host = $3, process = $4, "
      "program = current_setting('application_name'), since = now() WHERE mirror_id = $1",
      Params().int2(id).int4(token).text(host_name("?")).int4(::getpid()));
  transaction.commit();
  return ScanLock(connection, token);
}

ScanLock::ScanLock(ScanLock&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)), token_(other.token_) {}

ScanLock::~ScanLock() {
  if (!connection_ || connection_->broken()) return;
  try {
    let_go(*connection_, token_);
  } catch (const std::exception&) {
    // The lock goes with the session.
  }
}

std::optional<LockHolder> scan_lock_holder(Connection& connection, MirrorId id) {
  const Result row = connection.run(
      "SELECT host, process, program, extract(epoch FROM since)::bigint FROM scan_lock l "
      "WHERE mirror_id = $1 AND " +
          scan_lock_is_held(),
      Params().int2(id));
  if (row.empty()) return std::nullopt;
  return LockHolder{std::string(row.bytes(0, 0)), row.int4(0, 1), std::string(row.bytes(0, 2)),
                    row.int8(0, 3)};
}

std::optional<LockHolder> break_scan_lock(Connection& connection, MirrorId id,
                                          std::chrono::milliseconds patience) {
  std::optional<LockHolder> holder = scan_lock_holder(connection, id);
  if (!holder) return std::nullopt;
  connection.run("SELECT pg_terminate_backend(backend) FROM scan_lock l WHERE mirror_id = $1 AND " +
                     scan_lock_is_held(),
                 Params().int2(id));
  for (const auto deadline = Clock::now() + patience; scan_lock_holder(connection, id);) {
    if (Clock::now() >= deadline) {
      throw Error(fmt::format("the session of {} was told to end and still runs: see the server's "
                              "log, or stop that program",
                              holder->text()),
                  "");
    }
    std::this_thread::sleep_for(kLookAgain);
  }
  return holder;
}

}  // namespace mirror::db
