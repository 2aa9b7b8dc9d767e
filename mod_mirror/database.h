// One database as a child's requests see it: a file by its path, together with a table of mirrors
// that is not older. Made in child_init; find() may be called from any thread.
#pragma once

#include <atomic>
#include <optional>
#include <string_view>

#include "connection_pool.h"
#include "path_lookup.h"
#include "turns.h"

namespace mirror::httpd {

class Database {
 public:
  // `threads` of this process answer requests.
  Database(PoolOptions options, SharedDatabase& shared, Log log, int threads);
  void start() { pool_.start(); }
  void ask_to_stop() noexcept { pool_.ask_to_stop(); }
  bool join_by(Clock::time_point deadline) noexcept { return pool_.join_by(deadline); }

  // nullptr: not known, since the database is down or does not answer within MirrorDatabaseTimeout.
  std::unique_ptr<Lookup> find(std::string_view path, HashParts parts = HashParts::digests);

  // That many bytes of zsync's sums of the file of that real path, from `offset` on; "" when they
  // cannot be had. They are read over few connections at once, in all processes together. When
  // they do not come in time, only this request suffers: that they are large says nothing of the
  // database.
  std::string zsync_part(std::string_view path, std::string_view sha1, std::int64_t offset,
                         std::int64_t count);

  // As the last lookup had them; nullptr: there was none yet.
  std::shared_ptr<const MirrorTable> mirrors();

 private:
  std::unique_ptr<Lookup> ask(db::Connection& connection, std::string_view path, HashParts parts,
                              Clock::time_point deadline);
  std::shared_ptr<const MirrorTable> mirrors_of(db::Connection& connection, std::int64_t rev,
                                                Clock::time_point deadline);
  std::shared_ptr<const MirrorTable> held(std::int64_t rev, Clock::time_point loaded_after);
  void load(db::Connection& connection);
  void complain(const std::string& reason);

  ConnectionSlot large_slot();
  std::optional<std::string> try_zsync_part(std::string_view path, std::string_view sha1,
                                            std::int64_t offset, std::int64_t count,
                                            Clock::time_point deadline);

  const Log log_;
  SharedDatabase& shared_;
  std::mutex table_mutex_;  // of the two that follow
  std::shared_ptr<const MirrorTable> table_;
  Clock::time_point loaded_at_{};  // before the load's statement
  std::timed_mutex loading_;       // one thread loads, the others wait for it
  Turns large_turns_;
  ConnectionPool pool_;  // last: its thread uses what stands above
};

}  // namespace mirror::httpd
