#include "database.h"

#include <algorithm>
#include <thread>

#include "db/former_versions.h"
#include "db/hash/known_hashes.h"
#include "db/lookup.h"
#include "db/schema.h"

namespace mirror::httpd {
namespace {

constexpr std::chrono::minutes kComplaintPause{1};
constexpr int kAttempts = 3;
constexpr int kLookupsPerLarge = 10;   // connections for each one that reads what is large
constexpr int kLargePatience = 10;     // times MirrorDatabaseTimeout, for some
constexpr int kThreadsPerPatient = 4;  // the others answer what is not large
constexpr std::chrono::milliseconds kLargeRetry{2};
constexpr const char* kAnyPath =
    "any/path";  // looked up on a new connection: statements that cannot work are found out there

// Classes 08 connection exception, 53 insufficient resources, 57 operator intervention: the
// server's state, not the statement's.
bool is_outage(const db::Error& error) {
  const std::string_view code = error.sqlstate();
  return code.starts_with("08") || code.starts_with("53") || code.starts_with("57");
}

// 0A000 cached plan must not change result type, 26000 unknown prepared statement, class 42 access
// rule violation: a new connection may be better off, or tells what is wrong for all requests.
bool is_stale(const db::Error& error) {
  const std::string_view code = error.sqlstate();
  return code == "0A000" || code == "26000" || code.starts_with("42");
}

}  // namespace

Database::Database(PoolOptions options, SharedDatabase& shared, Log log, int threads)
    : log_(log),
      shared_(shared),
      large_turns_({options.timeout, kLargePatience * options.timeout,
                    static_cast<std::size_t>(threads / kThreadsPerPatient)}),
      pool_(
          std::move(options), shared,
          [this](db::Connection& connection) {
            db::require_schema(connection);
            load(connection);
            db::find_file(connection, kAnyPath);
            db::load_hashes(connection, kAnyPath, HashParts::digests);
            db::load_former_versions(connection, kAnyPath);
          },
          log) {}

// A connection that was idle may have died with a server that is well again: then others, in the
// end fresh ones, are tried.
std::unique_ptr<Lookup> Database::find(std::string_view path, HashParts parts) {
  const auto started_at = Clock::now();
  const auto deadline = started_at + pool_.options().timeout;
  for (int attempt = 1; attempt <= kAttempts; ++attempt) {
    const bool last_attempt = attempt == kAttempts;
    auto pooled = pool_.borrow(deadline);
    if (pooled == nullptr) return nullptr;
    try {
      auto lookup = ask(pooled->connection, path, parts, deadline);
      pool_.give_back(std::move(pooled));
      return lookup;
    } catch (const db::Timeout& error) {
      // After a long wait for a connection little time was left to ask.
      if (!shared_.answered_since(started_at)) pool_.trip(error.what(), pooled->outage);
      return nullptr;
    } catch (const db::Error& error) {
      const bool outage = pooled->connection.broken() || is_outage(error);
      if (!outage && (last_attempt || !is_stale(error))) {
        complain(error.what());
        pool_.give_back(std::move(pooled));
        return nullptr;
      }
      if (last_attempt) pool_.trip(error.what(), pooled->outage);
      pool_.drop_idle();
    }
  }
  return nullptr;
}

// Few, so that a slow line still has room for lookups. In one process, who waits longest comes
// first: of many large answers none starves.
ConnectionSlot Database::large_slot() {
  const int limit = std::clamp(pool_.options().max_connections / kLookupsPerLarge, 1,
                               SharedDatabase::kLargeSlots);
  const Turns::Turn turn(large_turns_);
  while (turn.has_come() && !shared_.down()) {
    ConnectionSlot slot = shared_.take_large_slot(limit);
    if (slot || Clock::now() >= turn.deadline()) return slot;
    std::this_thread::sleep_for(kLargeRetry);
  }
  return {};
}

// nullopt: another connection may be better off.
std::optional<std::string> Database::try_zsync_part(std::string_view path, std::string_view sha1,
                                                    std::int64_t offset, std::int64_t count,
                                                    Clock::time_point deadline) {
  auto pooled = pool_.borrow(deadline);
  if (pooled == nullptr) return "";
  try {
    pooled->connection.set_deadline(deadline);
    std::string part = db::load_zsync_part(pooled->connection, path, sha1, offset,
                                           static_cast<std::int32_t>(count));
    pool_.give_back(std::move(pooled));
    return part;
  } catch (const db::Timeout&) {
    return "";  // the connection goes with the answer that it still waits for
  } catch (const db::Error& error) {
    if (pooled->connection.broken() || is_outage(error) || is_stale(error)) {
      pool_.drop_idle();
      return std::nullopt;
    }
    complain(error.what());
    pool_.give_back(std::move(pooled));
    return "";
  }
}

std::string Database::zsync_part(std::string_view path, std::string_view sha1, std::int64_t offset,
                                 std::int64_t count) {
  const ConnectionSlot slot = large_slot();
  if (!slot) return "";
  const auto deadline = Clock::now() + pool_.options().timeout;
  for (int attempt = 1; attempt <= kAttempts; ++attempt) {
    if (auto part = try_zsync_part(path, sha1, offset, count, deadline)) return *std::move(part);
  }
  return "";
}

std::unique_ptr<Lookup> Database::ask(db::Connection& connection, std::string_view path,
                                      HashParts parts, Clock::time_point deadline) {
  connection.set_deadline(deadline);
  db::FoundFile found = db::find_file(connection, path);
  auto lookup = std::make_unique<Lookup>();
  lookup->found = found.found;
  lookup->gone = found.gone;
  if (found.found == Found::file) {
    lookup->hashes = db::load_hashes(connection, found.file.path, parts).value_or(FileHashes());
  }
  lookup->mirrors = mirrors_of(connection, found.mirrors_rev, deadline);
  if (lookup->mirrors == nullptr) return nullptr;
  db::heed_rules(found, lookup->mirrors->rules());
  if (parts >= HashParts::pieces && lookup->mirrors->rules().alternates_s(found.file.path) > 0)
    found.file.former = db::load_former_versions(connection, found.file.path);
  lookup->file = std::move(found.file);  // its views stay with what they show
  lookup->ids = std::move(found.mirrors);
  lookup->whole = std::move(found.room);
  return lookup;
}

std::shared_ptr<const MirrorTable> Database::held(std::int64_t rev,
                                                  Clock::time_point loaded_after) {
  const std::lock_guard lock(table_mutex_);
  return table_ != nullptr && (table_->rev() == rev || loaded_at_ >= loaded_after) ? table_
                                                                                   : nullptr;
}

std::shared_ptr<const MirrorTable> Database::mirrors() {
  const std::lock_guard lock(table_mutex_);
  return table_;
}

// The held table when its rev is the file's, else a new one; nullptr when another thread's load did
// not end in time.
std::shared_ptr<const MirrorTable> Database::mirrors_of(db::Connection& connection,
                                                        std::int64_t rev,
                                                        Clock::time_point deadline) {
  const auto asked_at = Clock::now();
  if (auto table = held(rev, asked_at)) return table;
  const std::unique_lock loading(loading_, deadline);
  if (!loading) return nullptr;
  if (auto table = held(rev, asked_at)) return table;
  load(connection);
  return held(rev, asked_at);
}

void Database::load(db::Connection& connection) {
  const auto started_at = Clock::now();
  auto table = db::load_mirrors(connection);
  const std::lock_guard lock(table_mutex_);
  if (started_at < loaded_at_) return;
  table_ = std::move(table);
  loaded_at_ = started_at;
}

// For what a statement may fail of without the database being down; now and then, not per request.
void Database::complain(const std::string& reason) {
  if (!shared_.lookup_log.opens(reason, kComplaintPause)) return;
  log_(LogLevel::error, LogId(206),
       "MirrorDatabase " + pool_.options().name + ": a lookup failed: " + reason);
}

}  // namespace mirror::httpd
