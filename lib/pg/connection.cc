#include "pg/connection.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>

namespace mirror::db {
namespace {

std::string trimmed(const char* message) {
  std::string text = message ? message : "";
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

// Removes "\nLOCATION:  …", the verbose words' last line of each failure.
void drop_locations(std::string& message) {
  constexpr std::string_view kPlace = "\nLOCATION:";
  for (std::size_t at = 0; (at = message.find(kPlace, at)) != std::string::npos;) {
    message.erase(at, std::min(message.find('\n', at + 1), message.size()) - at);
  }
}

bool is_sqlstate(std::string_view text) {
  return text.size() == 5 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
         });
}

// libpq shows the SQLSTATE of a refused connection in its verbose words only: FATAL:  28P01:
// password …\nLOCATION:  … Takes both out of the message again and returns the SQLSTATE, the last
// one of several hosts'.
std::string extract_sqlstate(std::string& message) {
  std::string found;
  for (std::size_t at = 0; (at = message.find(":  ", at)) != std::string::npos;) {
    at += 3;
    const std::string_view rest = std::string_view(message).substr(at);
    if (!is_sqlstate(rest.substr(0, 5)) || rest.substr(5, 2) != ": ") continue;
    found = rest.substr(0, 5);
    message.erase(at, 7);
  }
  drop_locations(message);
  return found;
}

constexpr int kStopCheckMs = 100;

void ignore_notice(void*, const char*) {}

std::string_view field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text != nullptr ? text : std::string_view();
}

bool failed(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE ||
         status == PGRES_NONFATAL_ERROR;
}

}  // namespace

void Connection::Finish::operator()(PGconn* connection) const { PQfinish(connection); }

Connection::Connection(const std::string& conninfo, const std::string& application_name,
                       std::chrono::milliseconds timeout, std::size_t first_host)
    : host_(first_host) {
  if (timeout.count() > 0) {
    deadline_ = Clock::now() + timeout;
    start_one_of(single_hosts(conninfo), application_name);
    deadline_.reset();
  } else {
    start_blocking(conninfo, application_name);
  }
  PQsetNoticeProcessor(raw(), ignore_notice, nullptr);
  if (PQsetnonblocking(raw(), 1) != 0) throw ConnectionError(trimmed(PQerrorMessage(raw())));
}

namespace {

// The two arrays that libpq takes; pointers into `options` and `application_name`.
struct Keywords {
  Keywords(const ConnectionOptions& options, const std::string& application_name) {
    for (const auto& [keyword, value] : options) {
      keys.push_back(keyword.c_str());
      values.push_back(value.c_str());
    }
    keys.insert(keys.end(), {"fallback_application_name", "client_encoding", nullptr});
    values.insert(values.end(), {application_name.c_str(), "UTF8", nullptr});
  }
  std::vector<const char*> keys, values;
};

}  // namespace

void Connection::start_blocking(const std::string& conninfo, const std::string& application_name) {
  const ConnectionOptions options = all_hosts(conninfo);
  const Keywords words(options, application_name);
  connection_.reset(PQconnectdbParams(words.keys.data(), words.values.data(), 0));
  check_started();
}

// Each host has an equal share of the time that is left; the last failure is thrown with what was
// said of the hosts before.
void Connection::start_one_of(const std::vector<ConnectionOptions>& hosts,
                              const std::string& application_name) {
  const auto end = *deadline_;
  std::string said;
  for (int left = static_cast<int>(hosts.size());; --left, ++host_) {
    host_ %= hosts.size();
    deadline_ = Clock::now() + (end - Clock::now()) / left;
    try {
      return start(hosts[host_], application_name);
    } catch (const ConnectionError& error) {
      said.append(said.empty() ? "" : "; ").append(error.what());
      if (left > 1) continue;
      if (given_up_) throw Timeout(said);
      throw ConnectionError(said, error.sqlstate());
    }
  }
}

void Connection::start(const ConnectionOptions& options, const std::string& application_name) {
  const Keywords words(options, application_name);
  given_up_ = false;
  connection_.reset(PQconnectStartParams(words.keys.data(), words.values.data(), 0));
  PQsetErrorVerbosity(raw(), PQERRORS_VERBOSE);
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  while (connection_ && PQstatus(raw()) != CONNECTION_BAD && state != PGRES_POLLING_OK &&
         state != PGRES_POLLING_FAILED) {
    wait(state == PGRES_POLLING_WRITING);
    state = PQconnectPoll(raw());
  }
  check_started();
  PQsetErrorVerbosity(raw(), PQERRORS_DEFAULT);
}

void Connection::check_started() const {
  if (!connection_) throw std::bad_alloc();
  if (PQstatus(raw()) == CONNECTION_OK) return;
  std::string message = trimmed(PQerrorMessage(raw()));
  const std::string sqlstate = extract_sqlstate(message);
  throw ConnectionError("no connection to the database: " + message, sqlstate);
}

Connection::~Connection() = default;
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;

bool Connection::broken() const {
  return given_up_ || !connection_ || PQstatus(raw()) != CONNECTION_OK;
}

void Connection::close(std::chrono::milliseconds patience) noexcept {
  const auto deadline = Clock::now() + patience;
  const int socket = broken() ? -1 : ::fcntl(PQsocket(raw()), F_DUPFD_CLOEXEC, 0);
  connection_.reset();
  if (socket < 0) return;
  char rest[256];
  ssize_t got = -1;
  do {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd waiting{socket, POLLIN, 0};
    if (left <= 0 || ::poll(&waiting, 1, static_cast<int>(left)) <= 0) break;
    got = ::recv(socket, rest, sizeof rest, MSG_DONTWAIT);
  } while (got > 0);
  ::close(socket);
}

// The peer may be frozen and the send buffer full: after the shutdown nothing that PQfinish still
// says can wait for it.
void Connection::give_up(const std::string& what) {
  given_up_ = true;
  if (PQsocket(raw()) >= 0) ::shutdown(PQsocket(raw()), SHUT_RDWR);
  throw Timeout(what);
}

// Waits until the socket is readable, or writable when asked for; PQconnectPoll waits for one,
// everything else for both.
void Connection::wait(bool for_write) {
  pollfd socket{PQsocket(raw()), static_cast<short>(for_write ? POLLIN | POLLOUT : POLLIN), 0};
  if (PQstatus(raw()) != CONNECTION_OK && for_write) socket.events = POLLOUT;
  if (socket.fd < 0) throw ConnectionError("the connection to the database is closed");
  for (;;) {
    const int ready = ::poll(&socket, 1, poll_ms());
    if (ready > 0) return;
    if (ready < 0 && errno != EINTR)
      throw ConnectionError(fmt::format("poll on the database connection: errno {}", errno));
    tell_if_slow();
  }
}

int Connection::poll_ms() {
  if (stop_is_due()) give_up("stopped while waiting for the database");
  long long left_ms = stop_ != nullptr ? kStopCheckMs : -1;
  for (const auto& end : {deadline_, slow_at_}) {
    if (!end) continue;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*end - Clock::now()).count();
    if (end == deadline_ && left <= 0) give_up("the database did not answer in time");
    const long long positive = std::clamp<long long>(left, 0, 1 << 30);
    left_ms = left_ms < 0 ? positive : std::min(left_ms, positive);
  }
  return static_cast<int>(left_ms);
}

bool Connection::stop_is_due() {
  if (stop_ == nullptr || !*stop_) return false;
  if (!stop_seen_) stop_seen_ = Clock::now();
  return Clock::now() >= *stop_seen_ + stop_grace_;
}

void Connection::tell_if_slow() {
  if (!slow_at_ || Clock::now() < *slow_at_) return;
  slow_at_.reset();
  observer_->no_answer_yet();
}

void Connection::flush() {
  for (;;) {
    const int more = PQflush(raw());
    if (more == 0) return;
    if (more < 0) throw ConnectionError("lost the connection: " + trimmed(PQerrorMessage(raw())));
    wait(true);
    // The server may be blocked on writing to us; reading lets it go on.
    if (!PQconsumeInput(raw()))
      throw ConnectionError("lost the connection: " + trimmed(PQerrorMessage(raw())));
  }
}

void Connection::sent(int accepted) {
  if (!accepted) {
    if (PQstatus(raw()) == CONNECTION_OK) throw Error(trimmed(PQerrorMessage(raw())), "08P01");
    throw ConnectionError("lost the connection: " + trimmed(PQerrorMessage(raw())));
  }
  flush();
}

PGresult* Connection::next_result() {
  while (PQisBusy(raw())) {
    wait(false);
    if (!PQconsumeInput(raw()))
      throw ConnectionError("lost the connection: " + trimmed(PQerrorMessage(raw())));
  }
  return PQgetResult(raw());
}

Result Connection::finish() {
  std::optional<Result> last;
  bool has_failed = false;
  while (PGresult* raw_result = next_result()) {
    const ExecStatusType status = PQresultStatus(raw_result);
    if (!has_failed)
      last.emplace(raw_result);  // the first failure is the cause of any later ones
    else
      PQclear(raw_result);
    has_failed = has_failed || failed(last->raw());
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) break;
  }
  if (!last) throw ConnectionError("the database gave no answer");
  if (has_failed) throw_failed(last->raw());
  return std::move(*last);
}

void Connection::throw_failed(const PGresult* result) {
  const std::string sqlstate(field(result, PG_DIAG_SQLSTATE)),
      constraint(field(result, PG_DIAG_CONSTRAINT_NAME));
  if (sqlstate.empty() || PQstatus(raw()) != CONNECTION_OK)
    throw ConnectionError(trimmed(PQresultErrorMessage(result)), sqlstate);
  const std::string words = observer_ ? observer_->words(sqlstate) : "";
  if (!words.empty()) throw Error(words, sqlstate, constraint);
  const std::string_view primary = field(result, PG_DIAG_MESSAGE_PRIMARY),
                         detail = field(result, PG_DIAG_MESSAGE_DETAIL);
  throw Error(fmt::format("{}{}{} (SQLSTATE {})", primary.empty() ? "unknown error" : primary,
                          detail.empty() ? "" : ": ", detail, sqlstate),
              sqlstate, constraint);
}

void Connection::prepare(const std::string& sql, const Params& params, const char* name) {
  if (std::find(prepared_.begin(), prepared_.end(), name) != prepared_.end()) return;
  std::vector<Oid> types;
  for (const Params::Value& value : params.values_) types.push_back(value.type);
  sent(PQsendPrepare(raw(), name, sql.c_str(), static_cast<int>(types.size()), types.data()));
  finish();
  prepared_.push_back(name);
}

void Connection::begin_statement() {
  if (broken()) throw ConnectionError("the connection to the database is lost");
  if (patience_) deadline_ = Clock::now() + *patience_;
  slow_at_.reset();
  if (observer_ && slow_after_.count() > 0) slow_at_ = Clock::now() + slow_after_;
}

std::string Connection::password_verifier(const std::string& role, const std::string& password) {
  struct Free {
    void operator()(char* text) const { PQfreemem(text); }
  };
  const std::unique_ptr<char, Free> verifier(
      PQencryptPasswordConn(raw(), password.c_str(), role.c_str(), "scram-sha-256"));
  if (!verifier) throw Error("cannot encrypt the password: " + trimmed(PQerrorMessage(raw())), "");
  return verifier.get();
}

Result Connection::run(const std::string& sql, const Params& params, const char* name) {
  begin_statement();
  const int count = static_cast<int>(params.values_.size());
  std::vector<Oid> types;
  std::vector<const char*> values;
  std::vector<int> lengths, formats(count, 1);
  for (const Params::Value& value : params.values_) {
    types.push_back(value.type);
    values.push_back(value.is_null ? nullptr : value.data.data());
    lengths.push_back(static_cast<int>(value.data.size()));
  }
  if (name) {
    prepare(sql, params, name);
    sent(PQsendQueryPrepared(raw(), name, count, values.data(), lengths.data(), formats.data(), 1));
  } else {
    sent(PQsendQueryParams(raw(), sql.c_str(), count, types.data(), values.data(), lengths.data(),
                           formats.data(), 1));
  }
  return finish();
}

void Connection::script(const std::string& sql) {
  begin_statement();
  sent(PQsendQuery(raw(), sql.c_str()));
  finish();
}

void Connection::copy_begin(const std::string& sql) { script(sql); }

void Connection::copy_data(std::string_view data) {
  for (;;) {
    const int queued = PQputCopyData(raw(), data.data(), static_cast<int>(data.size()));
    if (queued > 0) break;
    if (queued < 0) throw ConnectionError("lost the connection: " + trimmed(PQerrorMessage(raw())));
    wait(true);
  }
  flush();
}

std::int64_t Connection::copy_end() {
  for (;;) {
    const int queued = PQputCopyEnd(raw(), nullptr);
    if (queued > 0) break;
    if (queued < 0) throw ConnectionError("lost the connection: " + trimmed(PQerrorMessage(raw())));
    wait(true);
  }
  flush();
  return finish().affected();
}

Transaction::Transaction(Connection& connection, const char* begin) : connection_(connection) {
  connection_.script(begin);
}

Transaction::~Transaction() {
  if (done_ || connection_.broken()) return;
  try {
    connection_.script("ROLLBACK");
  } catch (const std::exception&) {
    // The server rolls back by itself when the connection ends; nothing can be reported here.
  }
}

void Transaction::commit() {
  done_ = true;
  connection_.script("COMMIT");
}

// Savepoints of one name hide one another, so they can lie within each other.
Savepoint::Savepoint(Connection& connection) : connection_(connection) {
  connection_.script("SAVEPOINT part");
}

Savepoint::~Savepoint() {
  if (done_ || connection_.broken()) return;
  try {
    connection_.script("ROLLBACK TO part; RELEASE part");
  } catch (const std::exception&) {
    // The transaction cannot go on then, and its next statement says so.
  }
}

void Savepoint::release() {
  done_ = true;
  connection_.script("RELEASE part");
}

}  // namespace mirror::db
