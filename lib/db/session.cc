#include "db/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "os/operator_name.h"

namespace mirror::db {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kToolPatience = std::chrono::hours(1);
constexpr milliseconds kToolGrace = seconds(5);
constexpr milliseconds kLookAtHolder(500);  // before the wait for a lock ends
constexpr milliseconds kWatchTimeout = seconds(3);
constexpr const char* kLockNotAvailable = "55P03";
constexpr const char* kNoOwnSession = "0A000";  // feature not supported

// Every name is qualified, because the search_path is still the server's. In an older database the
// tables are in a schema of that search_path.
constexpr const char* kEnterSchema =
    "SELECT pg_catalog.set_config('search_path', pg_catalog.concat("
    "CASE WHEN pg_catalog.to_regclass('mirror.schema_version') IS NOT NULL THEN 'mirror' "
    "ELSE coalesce(pg_catalog.quote_ident(pg_catalog.current_schema()), 'public') END, "
    "', pg_temp'), false)";

// Milliseconds for tcp_user_timeout, seconds for the others. Over a Unix socket they do nothing.
std::string set_up_statement(milliseconds lock_patience) {
  return fmt::format(
      "{}, pg_catalog.set_config('jit', 'off', false), "
      "pg_catalog.set_config('tcp_keepalives_idle', '{}', false), "
      "pg_catalog.set_config('tcp_keepalives_interval', '{}', false), "
      "pg_catalog.set_config('tcp_keepalives_count', '{}', false), "
      "pg_catalog.set_config('tcp_user_timeout', '{}', false), "
      "pg_catalog.set_config('lock_timeout', '{}', false), "
      "pg_catalog.set_config('mirror.operator', $1, false), "
      "pg_catalog.pg_backend_pid()",
      kEnterSchema, kProbeAfterSeconds, kProbeEverySeconds, kProbes, kSilenceSeconds * 1000,
      lock_patience.count());
}

constexpr int kBackendColumn = 8;

// Who keeps the process $1 from going on. What other users do only a privileged one may see.
constexpr const char* kHolders =
    "SELECT pid, coalesce(usename::text, '?'), coalesce(application_name, ''), "
    "coalesce(client_hostname, client_addr::text, ''), "
    "coalesce(to_char(xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), ''), "
    "coalesce(state = 'idle in transaction', false) "
    "FROM pg_catalog.pg_stat_activity "
    "WHERE pid = ANY (pg_catalog.pg_blocking_pids($1)) ORDER BY xact_start LIMIT 3";

std::string holder_text(const Result& rows, int row) {
  const std::string_view program = rows.bytes(row, 2), host = rows.bytes(row, 3),
                         since = rows.bytes(row, 4);
  return fmt::format("server process {} (user {}{}{}{}{})", rows.int4(row, 0), rows.bytes(row, 1),
                     program.empty() ? "" : fmt::format(", program {}", program),
                     host.empty() ? "" : fmt::format(", from {}", host),
                     since.empty() ? "" : fmt::format(", in a transaction since {} UTC", since),
                     rows.boolean(row, 5) ? ", which is idle" : "");
}

// Puts failures into words. Who holds a lock can only be asked while one waits for it, so it is
// asked, on a second connection, shortly before the wait ends.
class Interpreter : public Observer {
 public:
  Interpreter(std::string conninfo, std::int32_t backend, milliseconds lock_patience)
      : conninfo_(std::move(conninfo)), backend_(backend), lock_patience_(lock_patience) {}

  std::string words(std::string_view sqlstate) override {
    if (sqlstate != kLockNotAvailable) return "";
    std::string holders = std::move(holders_);
    holders_.clear();
    return fmt::format(
        "another session of the database holds a lock that is needed here, and did not release it "
        "within {} s: {}; end that session, or try again later",
        std::chrono::duration_cast<seconds>(lock_patience_).count(),
        holders.empty() ? "it is not known which one" : holders);
  }

  void no_answer_yet() noexcept override {
    try {
      holders_.clear();
      Connection other(conninfo_, "mod_mirror lock watch", kWatchTimeout);
      other.set_patience(kWatchTimeout);
      other.script("SET search_path = pg_catalog, pg_temp");
      const Result rows = other.run(kHolders, Params().int4(backend_));
      for (int row = 0; row < rows.rows(); ++row)
        holders_ += (holders_.empty() ? "" : ", ") + holder_text(rows, row);
    } catch (const std::exception&) {
      // Then the message says that the holder is not known.
    }
  }

 private:
  const std::string conninfo_;
  const std::int32_t backend_;
  const milliseconds lock_patience_;
  std::string holders_;
};

// A pooler sends the client a process id of its own. While a session is ours alone, no other client
// can get its server process. But a pooler that gives it out for one transaction has it free
// between two of ours, and gives it to the next client.
bool shared_by_pooler(const std::string& conninfo, std::int32_t backend) {
  try {
    Connection other(conninfo, "mod_mirror pooler watch", kWatchTimeout);
    other.set_patience(kWatchTimeout);
    return other.run("SELECT pg_catalog.pg_backend_pid()").int4(0, 0) == backend;
  } catch (const Error&) {
    return false;  // no session to be had: then ours is not free
  }
}

void require_own_session(const std::string& conninfo, const Connection& connection,
                         std::int32_t backend) {
  if (connection.claimed_backend() == backend || !shared_by_pooler(conninfo, backend)) return;
  throw Error(
      "the connection pooler in front of the database gives each transaction another session: "
      "mod_mirror needs one session for each connection, in PgBouncer pool_mode = session, or "
      "connect to PostgreSQL itself",
      kNoOwnSession);
}

}  // namespace

Connection open_session(const std::string& conninfo, const SessionOptions& options) {
  const auto deadline = Clock::now() + options.connect_timeout;
  Connection connection(conninfo, options.program, options.connect_timeout, options.first_host);
  if (options.established != nullptr) *options.established = true;
  connection.set_stop(options.stop, options.stop_grace);
  connection.set_deadline(deadline);
  const std::int32_t backend =
      connection.run(set_up_statement(options.lock_patience), Params().text(options.operator_name))
          .int4(0, kBackendColumn);
  require_own_session(conninfo, connection, backend);
  connection.set_deadline(std::nullopt);
  if (options.patience.count() > 0) connection.set_patience(options.patience);
  const milliseconds slow_after =
      options.lock_patience.count() > 0
          ? std::max(options.lock_patience - kLookAtHolder, options.lock_patience / 2)
          : milliseconds(0);
  connection.set_observer(std::make_shared<Interpreter>(conninfo, backend, options.lock_patience),
                          slow_after);
  return connection;
}

SessionOptions tool_session(const char* program, milliseconds lock_patience,
                            const std::atomic<bool>* stop) {
  return {.program = program,
          .connect_timeout = seconds(20),
          .patience = kToolPatience,
          .lock_patience = lock_patience,
          .stop = stop,
          .stop_grace = kToolGrace,
          .operator_name = operator_name()};
}

Connection open_merge_session(const std::string& conninfo, const char* program,
                              const std::atomic<bool>& stop) {
  return open_session(conninfo, tool_session(program, kMergePatience, &stop));
}

void enter_schema(Connection& connection) { connection.run(kEnterSchema); }

}  // namespace mirror::db
