#include "db/merge/changes.h"

#include <fmt/format.h>

namespace mirror::db {
namespace {

constexpr int kFewFiles = 1000;  // of these notes are kept however small the table is
constexpr int kForgottenAtOnce = 100;

// The weight of all notes before; each row weighs one more than it has files, so that rows without
// any are forgotten too. Our programs never write more than half of the schema's bound. Continuing
// from a larger number would reach the bound, and then every merge would fail.
constexpr const char* kUpto =
    "coalesce((SELECT upto FROM change WHERE upto < 576460752303423488 "
    "ORDER BY rev DESC, upto DESC LIMIT 1), 0)";

}  // namespace

// Revisions are forgotten from the oldest on, so as long as `rev` is there, so is everything above
// it.
bool noted_above(Connection& connection, std::int64_t rev) {
  return connection
      .run(
          "SELECT EXISTS (SELECT FROM revision WHERE rev = $1) "
          "AND NOT EXISTS (SELECT FROM revision r WHERE r.rev > $1 "
          " AND NOT EXISTS (SELECT FROM change c WHERE c.rev = r.rev)) "
          "AND NOT EXISTS (SELECT FROM change WHERE rev > $1 AND files IS NULL)",
          Params().int8(rev), "noted_above")
      .boolean(0, 0);
}

std::int64_t first_noted_rev(Connection& connection) {
  return connection
      .run(
          "SELECT greatest((SELECT r.rev FROM revision r WHERE NOT EXISTS (SELECT FROM change c "
          "WHERE c.rev = r.rev) ORDER BY r.rev DESC LIMIT 1), (SELECT max(rev) FROM change WHERE "
          "files IS NULL), 0)")
      .int8(0, 0);
}

std::string changed_above(Connection& connection, std::int64_t rev, const char* which) {
  const std::string changed = fmt::format("{} > {}", which, rev);
  if (!noted_above(connection, rev)) return changed;
  // An array, and no join: whatever the planner believes how many they are, it looks them up by
  // their ids.
  return fmt::format("{} AND f.id = ANY (ARRAY(SELECT unnest(files) FROM change WHERE rev > {}))",
                     changed, rev);
}

std::int64_t ChangeNotes::limit() {
  if (limit_ < 0) {
    limit_ = connection_
                 .run(
                     "SELECT greatest($1, reltuples / 10)::bigint FROM pg_class WHERE oid = "
                     "'file'::regclass",
                     Params().int4(kFewFiles))
                 .int8(0, 0);
  }
  return limit_;
}

bool ChangeNotes::too_many(std::int64_t more) {
  too_many_ = too_many_ || more > limit();
  return too_many_;
}

std::int64_t ChangeNotes::change(std::int64_t rev, std::int64_t at_most,
                                 const std::string& statement, const Params& params) {
  if (too_many(at_most)) return connection_.run(statement, params).affected();
  return note_ids(rev, statement + " RETURNING id", params);
}

void ChangeNotes::note_hashes(std::int64_t rev, std::int64_t at_most, const std::string& query) {
  if (!too_many(at_most)) note_ids(rev, query, {});
}

std::int64_t ChangeNotes::note_ids(std::int64_t rev, const std::string& query,
                                   const Params& params) {
  noted_ = true;
  return connection_
      .run(fmt::format("WITH changed (id) AS ({}) INSERT INTO change (rev, upto, files) "
                       "SELECT {}, {} + 1 + count(*), coalesce(array_agg(id), '{{}}') FROM changed "
                       "RETURNING cardinality(files)::bigint",
                       query, rev, kUpto),
           params)
      .int8(0, 0);
}

void ChangeNotes::note(std::int64_t rev, std::int64_t weight, const char* files) {
  connection_.run(
      fmt::format("INSERT INTO change (rev, upto, files) VALUES ($1, {} + $2, {})", kUpto, files),
      Params().int8(rev).int8(weight));
}

// A few of the oldest at a time, and each revision's altogether, so that what has notes has all of
// them.
void ChangeNotes::finish(std::int64_t rev) {
  if (too_many_)
    note(rev, limit() + 1, "NULL");
  else if (!noted_)
    note(rev, 1, "'{}'");
  connection_.run(
      fmt::format(
          "DELETE FROM change WHERE rev <= (SELECT max(rev) FROM "
          "(SELECT rev, upto FROM change ORDER BY rev, upto LIMIT {}) old WHERE upto < {} - $1)",
          kForgottenAtOnce, kUpto),
      Params().int8(limit()));
}

}  // namespace mirror::db
