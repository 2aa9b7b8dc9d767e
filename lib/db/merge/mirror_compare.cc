#include "db/merge/mirror_compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace mirror::db {
namespace {

constexpr std::int64_t kTimesMinFiles = 5;
constexpr std::int64_t kWarmFiles = 500'000;  // more would drive each other out of the cache

// Time zones: in steps of 15 minutes, at most 14 hours. Found only where so many different times
// fit: that of a mirror's one big copy could be anything.
#define OFFSET_STEP_S "900"
#define MAX_OFFSET_STEPS "56"
constexpr std::int64_t kOffsetMinTimes = 5;

// $1 to $8 as scope() has them.
#define IN_SCOPE "($5::bytea IS NULL OR (f.path > $5 AND f.path < $6))"
#define ACCEPTED_TIME(condition)                                                               \
  "EXISTS (SELECT FROM hash h, unnest(h.mtimes) t WHERE h.file_id = f.id AND h.version_rev = " \
  "f.version_rev AND " condition ")"
#define SOURCE_TIME "l.mtime - $7"
#define SAME_TIME \
  "(abs(" SOURCE_TIME " - f.mtime) < $3 OR " ACCEPTED_TIME("abs(" SOURCE_TIME " - t) < $3") ")"
#define NOT_OLDER "(" SOURCE_TIME " > f.mtime - $3 OR " ACCEPTED_TIME(SOURCE_TIME " > t - $3") ")"
// Looked at last, since the times of most files fit.
#define IMMUTABLE "coalesce(encode(f.path, 'hex') ~ $8, false)"
// What is listed fits none of the file's earlier versions.
#define TOLD_APART                                                                                 \
  "CASE WHEN f.earlier_sizes IS NULL THEN true ELSE NOT EXISTS (SELECT FROM "                      \
  "unnest(f.earlier_sizes, f.earlier_times) e (size, mtime) WHERE e.size = l.size AND (NOT $4 OR " \
  "abs(" SOURCE_TIME " - e.mtime) < $3)) OR " IMMUTABLE " END"
#define HAS                                                    \
  "coalesce(l.size = f.size AND (CASE WHEN $4 THEN " SAME_TIME \
  " ELSE f.version_rev <= $2 AND " NOT_OLDER " END OR " IMMUTABLE "), false)"

// {0}: the table of files; {1}: LEFT, unless files that are not listed keep their state. A pending
// file keeps the mirrors it has; a gone one may lose but not gain them. What cannot be told apart
// from an earlier version is not gained either, but kept: the mirror's content was checked.
constexpr const char* kInsertChanged =
    "INSERT INTO merge_changed SELECT f.id, f.cohort_id, f.gone_at IS NULL, coalesce(c.listed, "
    "false) FROM {} f "
    "LEFT JOIN (SELECT id, true AS listed FROM cohort WHERE $1 = ANY (mirrors) OFFSET 0) c ON c.id "
    "= f.cohort_id "
    "{}JOIN merge_listing l ON l.path = f.path "
    "WHERE f.cohort_id IS NOT NULL AND NOT f.pending AND l.kind IS DISTINCT FROM 'u' "
    "AND " IN_SCOPE
    " AND "
    "CASE WHEN c.listed THEN NOT " HAS " ELSE " HAS " AND f.gone_at IS NULL AND " TOLD_APART " END";

// Every parameter must appear for the server to take it.
constexpr const char* kCountEntries =
    "SELECT count(*) FILTER (WHERE f.gone_at IS NULL OR f.cohort_id IS NOT NULL), count(*) FILTER "
    "(WHERE comparable), "
    "count(*) FILTER (WHERE comparable AND l.size = f.size), "
    "count(*) FILTER (WHERE comparable AND l.size = f.size AND " SAME_TIME
    "), "
    "count(*) FILTER (WHERE comparable AND l.size = f.size AND " NOT_OLDER
    "), "
    "count(*) FILTER (WHERE comparable AND had AND l.size = f.size), "
    "count(*) FILTER (WHERE comparable AND had AND l.size = f.size AND " SAME_TIME
    "), "
    "count(*) FILTER (WHERE comparable AND l.size = f.size AND NOT " SAME_TIME " AND " IMMUTABLE
    "), "
    "count(*) FILTER (WHERE comparable AND l.size = f.size AND NOT " NOT_OLDER " AND " IMMUTABLE
    ") "
    "FROM merge_listing l JOIN file f ON f.path = l.path "
    "LEFT JOIN (SELECT id, true AS had FROM cohort WHERE $1 = ANY (mirrors) OFFSET 0) c ON c.id = "
    "f.cohort_id "
    "CROSS JOIN LATERAL (SELECT f.kind = 'f' AND f.gone_at IS NULL AND NOT f.pending AS "
    "comparable) k "
    "WHERE NOT f.staged AND l.size >= 0 AND " IN_SCOPE " AND $2 IS NOT NULL AND $4 IS NOT NULL";

constexpr const char* kCountHad =
    "SELECT count(*) FROM file f JOIN cohort c ON c.id = f.cohort_id AND $1 = ANY (c.mirrors) "
    "WHERE f.gone_at IS NULL";

// By how much most files' times are ahead of the source's, and how many fit, under how many times.
// $1 mirror, $2 precision in seconds, $3 whether only files count that the mirror has.
constexpr const char* kFindOffset =
    "SELECT steps * " OFFSET_STEP_S
    ", count(*), count(DISTINCT f.mtime) FROM merge_listing l JOIN file f ON f.path = l.path "
    "LEFT JOIN (SELECT id, true AS had FROM cohort WHERE $1 = ANY (mirrors) OFFSET 0) c ON c.id = "
    "f.cohort_id "
    "CROSS JOIN LATERAL (SELECT round((l.mtime - f.mtime) / " OFFSET_STEP_S
    ".0)::bigint AS steps) s "
    "WHERE f.kind = 'f' AND f.gone_at IS NULL AND NOT f.pending AND NOT f.staged AND l.size = "
    "f.size AND (had OR NOT $3) AND abs(steps) <= " MAX_OFFSET_STEPS
    " AND abs(l.mtime - f.mtime - steps * " OFFSET_STEP_S
    ") < $2 GROUP BY steps ORDER BY 2 DESC, abs(steps) LIMIT 1";

// The files that changed, of which the mirror has the present version for sure, or an earlier one.
#define CHANGED_FILES                                                                             \
  "FROM file f JOIN merge_listing l ON l.path = f.path "                                          \
  "CROSS JOIN LATERAL (SELECT " HAS                                                               \
  " AS has) h "                                                                                   \
  "CROSS JOIN LATERAL (SELECT NOT h.has AND EXISTS (SELECT FROM unnest(f.earlier_sizes, "         \
  "f.earlier_times) e (size, mtime) WHERE e.size = l.size AND CASE WHEN $4 THEN abs(" SOURCE_TIME \
  " - e.mtime) < $3 ELSE l.size <> f.size END) AS is_old) o "                                     \
  "WHERE f.earlier_sizes IS NOT NULL AND f.kind = 'f' AND f.gone_at IS NULL AND NOT f.pending "   \
  "AND NOT f.staged AND NOT " IMMUTABLE " AND " IN_SCOPE " AND (is_old OR h.has AND " TOLD_APART  \
  ") AND $1 IS NOT NULL"

// By the merge that gave each its present version, the newest first. Merges that are forgotten were
// before the oldest known one.
constexpr const char* kReadVersions =
    "SELECT v.version_rev, extract(epoch FROM coalesce(r.at, oldest.at))::bigint, v.files, "
    "v.old_files FROM (SELECT f.version_rev, count(*) AS files, count(*) FILTER (WHERE is_old) AS "
    "old_files " CHANGED_FILES
    " GROUP BY 1) v LEFT JOIN revision r ON r.rev = v.version_rev "
    "CROSS JOIN (SELECT min(at) AS at FROM revision) oldest "
    "WHERE coalesce(r.at, oldest.at) IS NOT NULL ORDER BY v.version_rev DESC LIMIT 10000";

// $9: since which revision, $10: how many.
constexpr const char* kReadShown = "SELECT f.id, l.size, l.mtime " CHANGED_FILES
                                   " AND is_old AND f.version_rev >= $9 ORDER BY f.version_rev, "
                                   "f.id LIMIT $10";
#undef CHANGED_FILES
#undef OFFSET_STEP_S
#undef MAX_OFFSET_STEPS
#undef IN_SCOPE
#undef ACCEPTED_TIME
#undef SOURCE_TIME
#undef SAME_TIME
#undef NOT_OLDER
#undef TOLD_APART
#undef IMMUTABLE
#undef HAS

}  // namespace

MirrorCompare::MirrorCompare(Connection& connection, MirrorId mirror, std::string subtree,
                             const Fidelity& fidelity, std::int64_t start_rev,
                             const MeasuredTimes& measured, const PathRules& rules)
    : connection_(connection),
      tables_(connection),
      mirror_(mirror),
      subtree_(std::move(subtree)),
      precision_(fidelity.times),
      of_uploads_(fidelity.times_of_uploads),
      start_rev_(start_rev),
      times_(measured),
      measures_(!of_uploads_),
      immutable_regex_(rules.immutable_hex_regex()) {}

Params MirrorCompare::scope() const {
  Params params;
  params.int2(mirror_)
      .int8(start_rev_)
      .int8(static_cast<std::int64_t>(precision_))
      .boolean(times_must_match());
  if (subtree_.empty())
    params.null().null();
  else
    params.bytes(subtree_ + '/').bytes(subtree_ + char('/' + 1));
  params.int8(times_.offset_s);
  return immutable_regex_.empty() ? params.null() : params.text(immutable_regex_);
}

std::string MirrorCompare::insert_changed(const char* files) const {
  return fmt::format(kInsertChanged, files, asked_only_ ? "" : "LEFT ");
}

void MirrorCompare::count_entries(const StagedListing& listing) {
  const bool decided = keeping_of(times_.share) != TimeKeeping::undecided;
  EntryCounts found = read_entries();
  const SameTimes before = found.measured(decided);
  if (measures_ && before.clear_fault() && find_offset(decided, before.files))
    found = read_entries();
  if (measures_) measure_times(found.measured(decided));
  counts_.seen = listing.seen();
  counts_.known = found.known;
  counts_.unknown = listing.rows() - listing.absent() - found.known;
  // Of immutable files the size alone counts.
  const std::int64_t right = times_must_match() ? found.all.same + found.immutable_of_other_time
                                                : found.not_older + found.immutable_and_older;
  counts_.outdated = found.comparable - right;
  counts_.other_time = found.all.files - right;
}

MirrorCompare::EntryCounts MirrorCompare::read_entries() {
  const Result found = connection_.run(kCountEntries, scope());
  return {.known = found.int8(0, 0),
          .comparable = found.int8(0, 1),
          .not_older = found.int8(0, 4),
          .immutable_of_other_time = found.int8(0, 7),
          .immutable_and_older = found.int8(0, 8),
          .all = {.files = found.int8(0, 2), .same = found.int8(0, 3)},
          .had = {.files = found.int8(0, 5), .same = found.int8(0, 6)}};
}

// Once it is known what a mirror does, only the files that it has already can show that it does
// otherwise now: a file that the source rolled back has another time on a mirror that keeps times.
MirrorCompare::SameTimes MirrorCompare::EntryCounts::measured(bool decided) const {
  return decided ? had : all;
}

// Whether enough files say that the mirror does not keep times, or that its clock is off.
bool MirrorCompare::SameTimes::clear_fault() const {
  return files >= kTimesMinFiles && keeping_of(share()) != TimeKeeping::kept;
}

double MirrorCompare::SameTimes::share() const {
  return static_cast<double>(same) / static_cast<double>(files);
}

// Whether the offset is another one now. A part of the tree, or a listing of whole days, cannot
// tell.
bool MirrorCompare::find_offset(bool decided, std::int64_t files) {
  if (!subtree_.empty() || precision_ > Precision::minute) return false;
  const Result found = connection_.run(
      kFindOffset,
      Params().int2(mirror_).int8(static_cast<std::int64_t>(precision_)).boolean(decided));
  const bool fits = !found.empty() && found.int8(0, 2) >= kOffsetMinTimes &&
                    keeping_of(SameTimes{files, found.int8(0, 1)}.share()) == TimeKeeping::kept;
  return std::exchange(times_.offset_s, fits ? found.int8(0, 0) : 0) != times_.offset_s;
}

void MirrorCompare::measure_times(const SameTimes& found) {
  if (found.files >= kTimesMinFiles) times_.share = found.share();
}

void MirrorCompare::find_behind() {
  std::vector<VersionStep> steps;
  const Result rows = connection_.run(kReadVersions, scope());
  for (int row = 0; row < rows.rows(); ++row)
    steps.push_back({rows.int8(row, 0), rows.int8(row, 1), rows.int8(row, 2), rows.int8(row, 3)});
  behind_ = judge_versions(steps);
  if (!behind_) return;
  not_moved_ = shows_the_same(connection_, mirror_);
  const Result old =
      connection_.run(kReadShown, scope().int8(behind_->since_rev).int8(kShownFiles));
  for (int row = 0; row < old.rows(); ++row) {
    shown_.ids.push_back(old.int8(row, 0));
    shown_.sizes_bytes.push_back(old.int8(row, 1));
    shown_.times_s.push_back(old.int8(row, 2));
  }
}

void MirrorCompare::store_behind() {
  db::store_behind(connection_, mirror_, behind_, shown_, not_moved_);
}

void MirrorCompare::tally(const Result& rows) {
  for (int row = 0; row < rows.rows(); ++row) {
    Change& change = changes_[rows.int8(row, 0)];
    change.listed = rows.boolean(row, 1);
    change.files += rows.int8(row, 2);
    change.current += rows.int8(row, 3);
  }
}

void MirrorCompare::recount() {
  std::erase_if(changes_, [](const auto& entry) { return entry.second.files == 0; });
  counts_.gained = counts_.lost = 0;
  for (const auto& [cohort, change] : changes_)
    (change.listed ? counts_.lost : counts_.gained) += change.files;
}

void MirrorCompare::compare(const StagedListing& listing) {
  // Nested loops would only be chosen from a wrong idea of the tables' sizes; work_mem keeps the
  // hash of a usual listing in memory.
  Transaction snapshot(connection_,
                       "BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL enable_nestloop = off; "
                       "SET LOCAL work_mem = '64MB'; "
                       "SET LOCAL jit = off");
  seen_rev_ = newest_rev(connection_);
  count_entries(listing);
  if (subtree_.empty()) find_behind();
  connection_.run(insert_changed("file"), scope());
  tally(
      connection_.run("SELECT cohort_id, listed, count(*), count(*) FILTER (WHERE current) FROM "
                      "merge_changed GROUP BY 1, 2"));
  recount();
  if (anything_changed()) choose_sides();
  snapshot.commit();
}

// The smaller part of each cohort moves. If that is the unchanged rest, its files are collected
// here, outside the lock. All are in the order of the table, so that the merge passes through it
// once.
void MirrorCompare::choose_sides() {
  connection_.script("CREATE INDEX ON merge_changed (file_id)");
  std::vector<std::int64_t> cohorts, with_rest;
  for (const auto& [cohort, change] : changes_) cohorts.push_back(cohort);
  const Result sizes = connection_.run("SELECT id, n_files FROM cohort WHERE id = ANY ($1)",
                                       Params().int8_array(cohorts));
  for (int row = 0; row < sizes.rows(); ++row) {
    const std::int64_t cohort = sizes.int8(row, 0), files = sizes.int8(row, 1),
                       changed = changes_[cohort].files;
    if (changed * 2 <= files) continue;
    in_place_.push_back(cohort);
    if (changed < files) with_rest.push_back(cohort);
  }
  connection_.run(
      "INSERT INTO merge_moves SELECT file_id, cohort_id FROM merge_changed WHERE cohort_id <> ALL "
      "($1) ORDER BY 1",
      Params().int8_array(in_place_));
  if (!with_rest.empty()) {
    connection_.run(
        "INSERT INTO merge_moves SELECT f.id, f.cohort_id FROM file f WHERE f.cohort_id = ANY ($1) "
        "AND NOT EXISTS (SELECT FROM merge_changed c WHERE c.file_id = f.id) ORDER BY 1",
        Params().int8_array(with_rest));
  }
  connection_.script("CREATE INDEX ON merge_moves (file_id); ANALYZE merge_moves");
  warm_up();
}

// Reads what the merge will write, also the index pages, into the server's cache, so that the merge
// does not wait for the disk under the lock.
void MirrorCompare::warm_up() {
  connection_.script(
      "SET LOCAL enable_nestloop = on; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin "
      "= off");
  connection_.run(
      "SELECT count(same.mtime) FROM (SELECT file_id FROM merge_moves LIMIT $1) m JOIN file f ON "
      "f.id = m.file_id "
      "JOIN file same ON same.path = f.path",
      Params().int8(kWarmFiles));
  connection_.script(
      "SET LOCAL enable_nestloop = off; SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin "
      "= on");
}

bool MirrorCompare::behind() { return newest_rev(connection_) > seen_rev_; }

bool MirrorCompare::must_read_all() { return !noted_above(connection_, seen_rev_); }

// Every file that another merge moved or changed has a rev above our snapshot's; for all others the
// snapshot still holds, whatever happened to the rows of their cohorts.
void MirrorCompare::catch_up() {
  const std::int64_t newest = newest_rev(connection_);
  const std::string changed = changed_above(connection_, seen_rev_);
  connection_.script("TRUNCATE merge_touched");
  connection_.run("INSERT INTO merge_touched SELECT * FROM file f WHERE " + changed);
  connection_.script("ANALYZE merge_touched");
  tally(
      connection_.run("WITH d AS (DELETE FROM merge_changed c USING merge_touched t WHERE "
                      "c.file_id = t.id RETURNING c.*) "
                      "SELECT cohort_id, listed, -count(*), -count(*) FILTER (WHERE current) FROM "
                      "d GROUP BY 1, 2"));
  tally(connection_.run("WITH i AS (" + insert_changed("merge_touched") +
                            " RETURNING *) "
                            "SELECT cohort_id, listed, count(*), count(*) FILTER (WHERE current) "
                            "FROM i GROUP BY 1, 2",
                        scope()));
  recount();
  connection_.script("DELETE FROM merge_moves m USING merge_touched t WHERE m.file_id = t.id");
  connection_.run(
      "INSERT INTO merge_moves SELECT t.id, t.cohort_id FROM merge_touched t "
      "LEFT JOIN merge_changed c ON c.file_id = t.id "
      "WHERE t.cohort_id IS NOT NULL AND (c.file_id IS NOT NULL) <> (t.cohort_id = ANY ($1))",
      Params().int8_array(in_place_));
  seen_rev_ = newest;
}

std::pair<std::int64_t, std::int64_t> MirrorCompare::shrinkage() {
  std::int64_t lost = 0;
  for (const auto& [cohort, change] : changes_)
    lost += change.listed ? change.current : -change.current;
  if (lost <= 0) return {0, 0};
  return {connection_.run(kCountHad, Params().int2(mirror_)).int8(0, 0), lost};
}

std::vector<std::string> MirrorCompare::sample_losses(std::int32_t count) {
  const Result rows = connection_.run(
      "SELECT f.path FROM (SELECT file_id FROM merge_changed WHERE listed AND current ORDER BY "
      "random() LIMIT $1) c JOIN file f ON f.id = c.file_id",
      Params().int4(count));
  std::vector<std::string> paths;
  for (int row = 0; row < rows.rows(); ++row) paths.emplace_back(rows.bytes(row, 0));
  return paths;
}

// In-place changes come first, so that a set which a cohort is about to leave is not found for
// files that move to it.
void MirrorCompare::apply(MergeTransaction& merge) {
  std::vector<std::int64_t> cohorts;
  for (const auto& [cohort, change] : changes_) cohorts.push_back(cohort);
  const std::int64_t rev = merge.rev();
  // `mirrors` is where the moving files go: the rest keeps the old set, the changed ones get the
  // new set.
  connection_.run(
      "INSERT INTO merge_plan SELECT c.id, p.in_place, coalesce(m.n, 0), NULL, CASE WHEN "
      "p.in_place THEN c.mirrors "
      "WHEN $1 = ANY (c.mirrors) THEN array_remove(c.mirrors, $1) ELSE ARRAY(SELECT "
      "unnest(c.mirrors || $1) ORDER BY 1) END "
      "FROM cohort c CROSS JOIN LATERAL (SELECT c.id = ANY ($2) AS in_place) p "
      "LEFT JOIN (SELECT from_id, count(*) AS n FROM merge_moves GROUP BY 1) m ON m.from_id = c.id "
      "WHERE c.id = ANY ($3)",
      Params().int2(mirror_).int8_array(in_place_).int8_array(cohorts));
  connection_.run(
      "UPDATE cohort c SET rev = $2, mirrors = CASE WHEN $1 = ANY (c.mirrors) THEN "
      "array_remove(c.mirrors, $1) "
      "ELSE ARRAY(SELECT unnest(c.mirrors || $1) ORDER BY 1) END FROM merge_plan p WHERE p.from_id "
      "= c.id AND p.in_place",
      Params().int2(mirror_).int8(rev));
  merge.use_indexes(true);
  static constexpr const char* kFindTargets =
      "UPDATE merge_plan p SET to_id = (SELECT c.id FROM cohort c WHERE c.mirrors = p.mirrors "
      "LIMIT 1) "
      "WHERE p.to_id IS NULL AND p.n > 0";
  connection_.script(kFindTargets);
  connection_.run(
      "INSERT INTO cohort (mirrors, n_files, rev) "
      "SELECT DISTINCT mirrors, 0, $1 FROM merge_plan WHERE to_id IS NULL AND n > 0",
      Params().int8(rev));
  connection_.script(kFindTargets);
  const std::int64_t moves =
      connection_.run("SELECT coalesce(sum(n), 0)::bigint FROM merge_plan").int8(0, 0);
  merge.change_files(moves,
                     "UPDATE file f SET cohort_id = p.to_id, rev = $1 FROM merge_moves m JOIN "
                     "merge_plan p USING (from_id) "
                     "WHERE f.id = m.file_id",
                     Params().int8(rev));
  merge.use_indexes(false);
  CountChanges counts(connection_);
  counts.add(
      "SELECT from_id, -n FROM merge_plan WHERE n > 0 "
      "UNION ALL SELECT to_id, n FROM merge_plan WHERE n > 0");
  merge.adjust_counts(counts);
}

}  // namespace mirror::db
