#include "db/merge/merge.h"

#include <fmt/format.h>

#include "core/path.h"
#include "db/locks.h"

namespace mirror::db {

MergeTransaction::MergeTransaction(Connection& connection, const std::function<void()>& before_lock)
    : connection_(connection),
      transaction_(connection, "BEGIN ISOLATION LEVEL READ COMMITTED"),
      notes_(connection) {
  if (before_lock) before_lock();
  connection_.script(kTakeMergeLock);
  since_ = Clock::now();
}

std::int64_t MergeTransaction::rev() {
  if (rev_ == 0) {
    rev_ =
        connection_.run("INSERT INTO revision (rev) VALUES (nextval('revision_seq')) RETURNING rev")
            .int8(0, 0);
  }
  return rev_;
}

void MergeTransaction::use_indexes(bool on) {
  connection_.script(on ? "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET "
                          "LOCAL enable_mergejoin = off"
                        : "SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = on; SET "
                          "LOCAL enable_mergejoin = on");
  connection_.script("SET LOCAL enable_nestloop = on");
}

void MergeTransaction::use_order() {
  connection_.script(
      "SET LOCAL enable_nestloop = off; SET LOCAL enable_hashjoin = off; SET LOCAL "
      "enable_mergejoin = on");
}

std::int64_t MergeTransaction::cohort_of(const std::vector<MirrorId>& mirrors) {
  const Result found =
      connection_.run("SELECT id FROM cohort WHERE mirrors = $1 ORDER BY n_files DESC, id LIMIT 1",
                      Params().int2_array(mirrors));
  if (!found.empty()) return found.int8(0, 0);
  return connection_
      .run("INSERT INTO cohort (mirrors, n_files, rev) VALUES ($1, 0, $2) RETURNING id",
           Params().int2_array(mirrors).int8(rev()))
      .int8(0, 0);
}

void MergeTransaction::source_changed() {
  connection_.run("UPDATE source SET rev = $1", Params().int8(rev()));
  if (groups_ == GroupsToLookAt::of_changes) groups_ = GroupsToLookAt::with_new_ones;
}

void MergeTransaction::rules_changed() {
  rev();
  groups_ = GroupsToLookAt::all;
}

std::int64_t MergeTransaction::change_files(std::int64_t at_most, const std::string& statement,
                                            const Params& params) {
  return notes_.change(rev(), at_most, statement, params);
}

void MergeTransaction::note_hashes(std::int64_t at_most, const std::string& query) {
  notes_.note_hashes(rev(), at_most, query);
}

void MergeTransaction::adjust_counts(const CountChanges&) {
  connection_.script(
      "UPDATE cohort c SET n_files = c.n_files + a.n "
      "FROM (SELECT cohort_id, sum(n)::bigint AS n FROM merge_adjust GROUP BY cohort_id) a WHERE "
      "c.id = a.cohort_id AND a.n <> 0;"
      "DELETE FROM cohort c USING (SELECT DISTINCT cohort_id FROM merge_adjust) a WHERE c.id = "
      "a.cohort_id AND c.n_files = 0");
}

double MergeTransaction::commit() {
  if (rev_ != 0) {
    notes_.finish(rev_);
    use_indexes(true);
    refresh_groups(connection_, rev_, groups_);
  }
  transaction_.commit();
  const double held_s = std::chrono::duration<double>(Clock::now() - since_).count();
  if (notes_.changed_much()) refresh_statistics(connection_);
  return held_s;
}

void refresh_statistics(Connection& connection) {
  try {
    connection.script("SELECT analyze_files()");
  } catch (const ConnectionError&) {
    throw;
  } catch (const Error&) {
    // Somebody else is at it, or this role may not; autovacuum does it later.
  }
}

std::int64_t newest_rev(Connection& connection) {
  return connection.run("SELECT coalesce(max(rev), 0) FROM revision").int8(0, 0);
}

bool others_merged(Connection& connection, std::int64_t rev,
                   const std::vector<std::int64_t>& ours) {
  return !connection
              .run("SELECT FROM revision WHERE rev > $1 AND rev <> ALL ($2) LIMIT 1",
                   Params().int8(rev).int8_array(ours))
              .empty();
}

// The scan's own row and its merge are one transaction, so the row of the newest good scan tells
// what the cohorts say, and nothing but a change of the source makes the same listing say something
// else.
std::optional<GoodScan> last_good_scan(Connection& connection, std::optional<MirrorId> mirror,
                                       std::string_view method) {
  Params params = Params().text(method);
  if (mirror) params.int2(*mirror);
  const Result found = connection.run(
      fmt::format("SELECT s.fingerprint, s.unknown, s.outdated, s.held FROM source, "
                  "(SELECT * FROM scan WHERE mirror_id {} AND outcome IN ('merged', 'unchanged') "
                  "ORDER BY id DESC LIMIT 1) s "
                  "WHERE s.method = $1 AND s.fingerprint IS NOT NULL AND s.held IS NOT NULL AND "
                  "s.rev >= source.rev",
                  mirror ? "= $2" : "IS NULL"),
      params);
  if (found.empty()) return std::nullopt;
  return GoodScan{std::string(found.bytes(0, 0)), found.int8(0, 1), found.int8(0, 2),
                  found.int8(0, 3)};
}

ScanRow::ScanRow(Connection& connection, std::optional<MirrorId> mirror, std::string_view method,
                 std::string_view subtree)
    : connection_(connection) {
  // An index serves `=` and IS NULL, but not IS NOT DISTINCT FROM.
  const std::string mine = mirror ? "mirror_id = $1" : "mirror_id IS NULL";
  Params id;
  if (mirror) id.int2(*mirror);
  connection_.run(
      "UPDATE scan SET outcome = 'interrupted', ended = now() WHERE outcome = 'running' AND " +
          mine,
      id);
  connection_.run("DELETE FROM scan WHERE started < now() - interval '90 days' AND " + mine, id);
  Params params;
  if (mirror)
    params.int2(*mirror);
  else
    params.null();
  id_ = connection_
            .run(
                "INSERT INTO scan (mirror_id, method, subtree) VALUES ($1::smallint, $2, $3) "
                "RETURNING id",
                params.text(method).bytes(subtree))
            .int8(0, 0);
}

void ScanRow::listed(std::string fingerprint, std::int64_t rev) {
  fingerprint_ = std::move(fingerprint);
  rev_ = rev;
}

void ScanRow::close(const char* outcome, const ScanCounts& counts, std::string_view error) {
  Params params;
  params.int8(id_).text(outcome);
  params.int8(counts.seen)
      .int8(counts.gained)
      .int8(counts.lost)
      .int8(counts.unknown)
      .int8(counts.outdated);
  params.text(printable(error));
  if (fingerprint_.empty())
    params.null().null();
  else
    params.bytes(fingerprint_).int8(rev_);
  connection_.run(
      "UPDATE scan SET outcome = $2, ended = clock_timestamp(), seen = $3, gained = $4, lost = $5, "
      "unknown = $6, outdated = $7, "
      "error = $8, fingerprint = CASE WHEN fingerprint IS NULL THEN $9::bytea END, rev = $10 "
      "WHERE id = $1",
      params);
  open_ = false;
}

void ScanRow::settle(std::int64_t held) {
  connection_.run("UPDATE scan SET held = $2 WHERE id = $1", Params().int8(id_).int8(held));
}

void ScanRow::close_as_failed(const ScanCounts& counts, std::string_view error) noexcept {
  if (!open_ || connection_.broken()) return;
  try {
    close("failed", counts, error);
  } catch (const std::exception&) {
    // The next scan marks it as interrupted.
  }
}

}  // namespace mirror::db
