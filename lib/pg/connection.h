// A PostgreSQL connection over libpq: RAII, binary parameters and results, every wait bounded by a
// deadline where one is set. A Connection belongs to one thread at a time. Every SQL statement of
// the project lives in lib/db. Only looking up a host name (libpq's getaddrinfo) can outlast a
// deadline: name hosts by address where that matters.
#pragma once

#include <libpq-fe.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "pg/conninfo.h"

namespace mirror::db {

using Clock = std::chrono::steady_clock;

// A statement or connection that failed. `sqlstate` is empty if the server sent none.
class Error : public std::runtime_error {
 public:
  Error(const std::string& what, std::string sqlstate, std::string constraint = "")
      : std::runtime_error(what),
        sqlstate_(std::move(sqlstate)),
        constraint_(std::move(constraint)) {}
  const std::string& sqlstate() const { return sqlstate_; }
  const std::string& constraint() const { return constraint_; }  // that was violated; "": none

 private:
  std::string sqlstate_, constraint_;
};
// The connection is lost or was never made.
class ConnectionError : public Error {
 public:
  explicit ConnectionError(const std::string& what, const std::string& sqlstate = "")
      : Error(what, sqlstate) {}
};
// The deadline passed; the connection cannot be used any more.
class Timeout : public ConnectionError {
 public:
  using ConnectionError::ConnectionError;
};

// Code that opens a connection may know more about its statements than this driver does. Called on
// the thread that uses the connection; must not use it.
class Observer {
 public:
  virtual ~Observer() = default;
  // Words for a failure with this SQLSTATE; "" keeps the server's.
  virtual std::string words(std::string_view /*sqlstate*/) { return ""; }
  // A statement has had no answer for as long as set_observer() says; once for each statement.
  virtual void no_answer_yet() noexcept {}
};

// Parameters in binary form, in order: $1, $2, …
class Params {
 public:
  Params& null();
  Params& boolean(bool value);
  Params& int2(std::int16_t value);
  Params& int4(std::int32_t value);
  Params& int8(std::int64_t value);
  Params& float8(double value);
  Params& bytes(std::string_view value);  // bytea
  Params& text(std::string_view value);   // text, must be UTF-8 without NUL
  // Arrays of int2, int8, bytea, text.
  Params& int2_array(const std::vector<std::int16_t>& values);
  Params& int8_array(const std::vector<std::int64_t>& values);
  Params& bytes_array(const std::vector<std::string>& values);
  Params& text_array(const std::vector<std::string>& values);

 private:
  friend class Connection;
  struct Value {
    Oid type = 0;
    bool is_null = false;
    std::string data;
  };
  std::vector<Value> values_;
};

// A result in binary form. Accessors throw Error when the column's type or length is not what is
// asked for.
class Result {
 public:
  explicit Result(PGresult* result) : result_(result) {}
  int rows() const { return PQntuples(result_.get()); }
  bool empty() const { return rows() == 0; }
  bool is_null(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }
  bool boolean(int row, int column) const;
  std::int16_t int2(int row, int column) const;
  std::int32_t int4(int row, int column) const;
  std::int64_t int8(int row, int column) const;
  std::optional<std::int64_t> maybe_int8(int row, int column) const;  // nullopt for NULL
  double float8(int row, int column) const;
  std::string_view bytes(int row, int column) const;  // bytea and text; valid as long as the Result
  std::vector<std::int16_t> int2_array(int row, int column) const;
  std::vector<std::int64_t> int8_array(int row, int column) const;
  std::vector<std::string> text_array(int row, int column) const;
  std::int64_t affected() const;  // rows of an INSERT, UPDATE, DELETE, COPY
  const PGresult* raw() const { return result_.get(); }

 private:
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

class Connection {
 public:
  // Connects, waiting at most `timeout` for all hosts of the conninfo together, of which each gets
  // its share, so that a silent one does not hide the next (zero: as long as libpq does, which
  // honours a connect_timeout for each host). The first host to try is `first_host`. Throws
  // ConnectionError or Timeout. application_name shows in pg_stat_activity.
  explicit Connection(const std::string& conninfo, const std::string& application_name,
                      std::chrono::milliseconds timeout = std::chrono::milliseconds(0),
                      std::size_t first_host = 0);
  ~Connection();
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;

  // From now on every call ends by `deadline` or throws Timeout; nullopt removes the limit.
  void set_deadline(std::optional<Clock::time_point> deadline) { deadline_ = deadline; }

  // Every statement from now on has this long.
  void set_patience(std::chrono::milliseconds patience) { patience_ = patience; }
  // Once it is true every wait ends in a Timeout, at once or after `grace`, which leaves time to
  // record the state of the work.
  void set_stop(const std::atomic<bool>* stop,
                std::chrono::milliseconds grace = std::chrono::milliseconds(0)) {
    stop_ = stop;
    stop_grace_ = grace;
  }
  void set_observer(std::shared_ptr<Observer> observer, std::chrono::milliseconds slow_after) {
    observer_ = std::move(observer);
    slow_after_ = slow_after;
  }

  // One statement. `name` makes it a prepared statement, prepared on first use on this connection.
  Result run(const std::string& sql, const Params& params = {}, const char* name = nullptr);
  // Several statements in one string, no parameters, no result.
  void script(const std::string& sql);

  // What the server keeps in place of the role's password, for ALTER ROLE … PASSWORD: by
  // SCRAM-SHA-256. REQUIRES: no NUL in the password.
  std::string password_verifier(const std::string& role, const std::string& password);

  // COPY … FROM STDIN (FORMAT binary): begin, any number of data calls, end. See CopyWriter in
  // staging.cc for the row format.
  void copy_begin(const std::string& sql);
  void copy_data(std::string_view data);
  std::int64_t copy_end();  // rows

  // Ends it, and waits for `patience` at most until the server has ended its side: it then counts
  // there no more.
  void close(std::chrono::milliseconds patience) noexcept;

  std::size_t host() const {
    return host_;
  }                     // which one of the conninfo's answered, where a timeout was given
  bool broken() const;  // the connection must not be used any more: it is gone, or an answer was
                        // given up waiting for
  bool in_transaction() const { return PQtransactionStatus(raw()) != PQTRANS_IDLE; }
  // The process id that the server sends; a pooler sends one of its own.
  int claimed_backend() const { return PQbackendPID(raw()); }
  PGconn* raw() const { return connection_.get(); }

 private:
  struct Finish {
    void operator()(PGconn* connection) const;
  };
  void start(const ConnectionOptions& options, const std::string& application_name);
  void start_blocking(const std::string& conninfo, const std::string& application_name);
  void start_one_of(const std::vector<ConnectionOptions>& hosts,
                    const std::string& application_name);
  void check_started() const;
  void prepare(const std::string& sql, const Params& params, const char* name);
  void begin_statement();
  void sent(int accepted);  // checks a PQsend… call and pushes out what it queued
  void flush();
  Result finish();  // the last result of what was sent; throws for a failed one
  PGresult* next_result();
  void wait(bool for_write);
  int poll_ms();  // how long one poll may last; throws Timeout when nothing is left
  bool stop_is_due();
  void tell_if_slow();
  [[noreturn]] void give_up(const std::string& what);
  [[noreturn]] void throw_failed(const PGresult* result);
  std::unique_ptr<PGconn, Finish> connection_;
  std::optional<Clock::time_point> deadline_;
  std::optional<std::chrono::milliseconds> patience_;
  const std::atomic<bool>* stop_ = nullptr;
  std::chrono::milliseconds stop_grace_{0};
  std::optional<Clock::time_point> stop_seen_;
  std::shared_ptr<Observer> observer_;
  std::chrono::milliseconds slow_after_{0};
  std::optional<Clock::time_point> slow_at_;  // of this statement, until it was told
  std::vector<std::string> prepared_;
  std::size_t host_ = 0;
  bool given_up_ = false;
};

// A transaction: rolled back on destruction unless committed.
class Transaction {
 public:
  explicit Transaction(Connection& connection, const char* begin = "BEGIN");
  ~Transaction();
  Transaction(const Transaction&) = delete;
  void commit();

 private:
  Connection& connection_;
  bool done_ = false;
};

// A part of a transaction: rolled back alone on destruction unless released.
class Savepoint {
 public:
  // REQUIRES: connection.in_transaction()
  explicit Savepoint(Connection& connection);
  ~Savepoint();
  Savepoint(const Savepoint&) = delete;
  void release();

 private:
  Connection& connection_;
  bool done_ = false;
};

}  // namespace mirror::db
