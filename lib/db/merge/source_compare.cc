#include "db/merge/source_compare.h"

#include <fmt/format.h>

#include "core/limits.h"
#include "core/links.h"
#include "core/path.h"
#include "db/merge/earlier_versions.h"

namespace mirror::db {
namespace {

constexpr double kKeepRevisionsSeconds =
    60 * 86400.0;  // replicas that were away for longer start anew

// Of more, mb-hash reads the rest.
constexpr std::int64_t kMaxReread = 5000;

// accepted: the same version, by its own mtime or one that its digest has shown. touched: the size
// and a digest speak for the same version and the mtime against it; only hashing again can tell.
// Everything else of a file is fresh: a new version. The listing is the table or query named `l`.
constexpr const char* kInsertDelta =
    "INSERT INTO merge_delta SELECT f.id, l.size, l.mtime, l.kind, l.staged, touched, fresh, "
    "coalesce(was_current, false), "
    "f.gone_at IS NOT NULL, "
    "NOT l.staged AND (f.id IS NULL OR fresh OR NOT was_current OR f.kind <> l.kind), "
    "coalesce(was_current AND (fresh OR l.staged OR f.kind <> l.kind OR (touched AND NOT "
    "f.pending) "
    " OR f.link_target IS DISTINCT FROM l.target), false), f.cohort_id, l.path, l.target "
    "FROM {} l LEFT JOIN file f ON f.path = l.path "
    "LEFT JOIN hash h ON h.file_id = f.id AND h.version_rev = f.version_rev "
    "CROSS JOIN LATERAL (SELECT coalesce(l.kind = 'f' AND f.kind = 'f' AND l.size = f.size, false) "
    "AS same_size, "
    " NOT f.staged AND f.gone_at IS NULL AS was_current) a "
    "CROSS JOIN LATERAL (SELECT same_size AND (coalesce(l.mtime = ANY (h.mtimes), false) OR "
    "(l.mtime = f.mtime AND NOT f.pending)) AS accepted) b "
    "CROSS JOIN LATERAL (SELECT same_size AND NOT accepted AND h.file_id IS NOT NULL AS touched) c "
    "CROSS JOIN LATERAL (SELECT l.kind = 'f' AND NOT accepted AND NOT touched AS fresh) d "
    "WHERE f.id IS NULL OR fresh OR f.gone_at IS NOT NULL OR (f.kind, f.staged, f.mtime, "
    "f.pending, f.link_target) "
    "IS DISTINCT FROM (l.kind, l.staged, l.mtime, touched, l.target)";

// The cohort that a file of merge_delta d gets; $1: the one without mirrors.
#define NEW_COHORT                                 \
  "CASE WHEN d.staged OR d.kind <> 'f' THEN NULL " \
  "WHEN d.fresh OR d.cohort_id IS NULL THEN $1::bigint ELSE d.cohort_id END"

}  // namespace

// '0' follows '/'.
HeldRange held_below(std::string_view folder, bool staged) {
  return {std::string(folder) + '/', std::string(folder) + '0', staged, false};
}

// No path is longer than kMaxPathBytes, so none is above as many bytes 255.
std::vector<HeldRange> held_beside(std::string_view folder) {
  const std::string last(kMaxPathBytes + 1, '\xff');
  const std::string path(folder);
  return {{"", path, false, true},
          {path, path + '/', false, true},
          {path + '/' + last, last, false, true}};
}

bool any_expired(Connection& connection, double grace_s) {
  return connection
      .run(
          "SELECT EXISTS (SELECT FROM file WHERE gone_at < now() - $1 * interval '1 second' "
          "AND cohort_id IS NOT NULL) OR "
          "EXISTS (SELECT FROM file WHERE gone_at < now() - ($1 + $2) * interval '1 second')",
          Params().float8(grace_s).float8(kKeepGoneS))
      .boolean(0, 0);
}

// With the real paths that the table has for their targets.
void SourceCompare::add_unasked(ListedLinks& links) {
  const Result known = connection_.run(
      "SELECT f.path, f.link_target FROM merge_held h JOIN file f ON f.path > h.low AND f.path < "
      "h.high WHERE h.unasked AND f.kind = 'l' AND NOT f.staged AND f.gone_at IS NULL AND "
      "f.link_target IS NOT NULL");
  for (int row = 0; row < known.rows(); ++row) {
    const std::string path(known.bytes(row, 0));
    std::string text;
    for (auto above = std::count(path.begin(), path.end(), '/'); above > 0; --above) text += "../";
    text += known.bytes(row, 1);
    links.try_emplace(path, ListedLink{text.empty() ? "." : text, false});
  }
}

void SourceCompare::hold(const std::vector<HeldRange>& ranges, StagedListing&) {
  if (ranges.empty()) return;
  CopyWriter writer(connection_,
                    "COPY merge_held (low, high, staged, unasked) FROM STDIN (FORMAT binary)");
  for (const HeldRange& range : ranges) {
    writer.row(4);
    writer.bytes(range.low);
    writer.bytes(range.high);
    writer.boolean(range.staged);
    writer.boolean(range.unasked);
  }
  writer.flush();
  connection_.script(
      "ANALYZE merge_held;"
      "INSERT INTO merge_listing (path, kind, size, mtime, staged, target, seq, again) "
      "SELECT f.path, f.kind, f.size, f.mtime, f.staged OR h.staged, f.link_target, 0, false "
      "FROM merge_held h JOIN file f ON f.path > h.low AND f.path < h.high "
      "WHERE f.gone_at IS NULL AND NOT EXISTS (SELECT FROM merge_listing l WHERE l.path = f.path)");
}

// Nothing behind a staged link may be reached through another link: a staged link is read only when
// it is itself resolved. In a part of the source a link may lead through one that was not listed.
void SourceCompare::resolve(const ListedLinks& listed, StagedListing&) {
  ListedLinks links = listed;
  add_unasked(links);
  const TempTables resolved(connection_, {{"merge_link", "path bytea, target bytea"}});

  CopyWriter writer(connection_, "COPY merge_link (path, target) FROM STDIN (FORMAT binary)");
  for (const auto& [path, link] : listed) {
    const ReadLink read_link =
        [&links, &start = path](const std::string& step) -> std::optional<std::string> {
      const auto found = links.find(step);
      if (found == links.end() || (found->second.staged && step != start)) return std::nullopt;
      return found->second.text;
    };
    const std::optional<std::string> target = resolve_links(path, read_link);
    if (!target) continue;
    writer.row(2);
    writer.bytes(path);
    writer.bytes(*target);
  }
  writer.flush();
  // A link that is shown must not tell of a target that is not. The target '' is the root itself.
  connection_.script(
      "ANALYZE merge_link;"
      "UPDATE merge_listing k SET target = r.target, size = 0, mtime = 0 "
      "FROM merge_link r LEFT JOIN merge_listing t ON t.path = r.target AND t.kind <> 'l' "
      "WHERE k.path = r.path AND k.kind = 'l' AND (r.target = '' OR k.staged AND t.kind IS NOT "
      "NULL OR NOT t.staged);"
      // A known link into a held folder: its target cannot be looked up now. Directories that were
      // not listed still count as existing while a link leads to the same one.
      "UPDATE merge_listing k SET target = f.link_target, size = 0, mtime = 0 "
      "FROM merge_link r JOIN merge_held h ON r.target > h.low AND r.target < h.high, file f "
      "WHERE k.path = r.path AND k.kind = 'l' AND k.target IS NULL AND f.path = k.path "
      "AND f.kind = 'l' AND f.gone_at IS NULL AND (k.staged OR NOT h.staged) "
      "AND (NOT h.unasked OR f.link_target = r.target);"
      "DELETE FROM merge_listing WHERE kind = 'd' OR kind = 'l' AND target IS NULL;"
      "ANALYZE merge_listing");
}

void SourceCompare::compare(const StagedListing& listing, double grace_s) {
  counts_.seen = listing.seen();
  Transaction snapshot(connection_,
                       "BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL enable_nestloop = off; "
                       "SET LOCAL work_mem = '64MB'");
  snapshot_rev_ = newest_rev(connection_);
  // In the order of the table, so that the merge walks through it once; new files in that of their
  // paths: neighbours in the tree become neighbours in the table, and the index grows at its end.
  connection_.script(fmt::format(kInsertDelta, "merge_listing") + " ORDER BY f.id, l.path");
  count();
  if (anything_changed_)
    connection_.script(
        "CREATE INDEX ON merge_delta (file_id) WHERE file_id IS NOT NULL; ANALYZE merge_delta");
  folders_.find(entries_);
  const bool due = any_expired(connection_, grace_s);
  snapshot.commit();
  anything_changed_ = anything_changed_ || due;
}

void SourceCompare::find_gone() {
  connection_.script(
      "INSERT INTO merge_gone SELECT f.id, NOT f.staged FROM file f WHERE f.gone_at IS NULL "
      "AND NOT EXISTS (SELECT FROM merge_listing l WHERE l.path = f.path) ORDER BY 1");
}

void SourceCompare::count() {
  const Result delta = connection_.run(
      "SELECT count(*), count(*) FILTER (WHERE arrives), count(*) FILTER (WHERE was_current AND "
      "fresh), "
      "count(*) FILTER (WHERE alters), count(*) FILTER (WHERE was_current AND staged), "
      "count(*) FILTER (WHERE file_id IS NULL OR returns), "
      "count(*) FILTER (WHERE pending AND NOT staged) FROM merge_delta");
  const Result listed =
      connection_.run("SELECT count(*), count(*) FILTER (WHERE NOT staged) FROM merge_listing");
  const Result files = connection_.run(
      "SELECT count(*), count(*) FILTER (WHERE NOT staged), count(*) FILTER (WHERE pending) FROM "
      "file WHERE gone_at IS NULL");
  entries_ = listed.int8(0, 0);
  // Every path is listed once: if as many known paths are listed as there are files, none is gone.
  if (files.int8(0, 0) > entries_ - delta.int8(0, 5)) find_gone();
  const Result gone =
      connection_.run("SELECT count(*), count(*) FILTER (WHERE was_current) FROM merge_gone");
  delta_ = delta.int8(0, 0);
  gone_ = gone.int8(0, 0);
  anything_changed_ = delta_ + gone_ > 0;
  counts_.gained = delta.int8(0, 1);
  counts_.changed = delta.int8(0, 2);
  counts_.lost =
      gone.int8(0, 1) + delta.int8(0, 4);  // staged ones are hidden from everyone: lost too
  altered_ = delta.int8(0, 3) + gone.int8(0, 1);
  current_ = files.int8(0, 1);
  counts_.held = listed.int8(0, 1);
  counts_.touched = delta.int8(0, 6) + (files.int8(0, 2) > 0 ? still_pending() : 0);
}

// The files that were pending before and that this listing changes nothing of.
std::int64_t SourceCompare::still_pending() {
  return connection_
      .run(
          "SELECT count(*) FROM file f WHERE pending AND NOT staged AND gone_at IS NULL "
          "AND NOT EXISTS (SELECT FROM merge_delta d WHERE d.file_id = f.id) "
          "AND NOT EXISTS (SELECT FROM merge_gone g WHERE g.file_id = f.id)")
      .int8(0, 0);
}

// Gone files that had their grace time leave their cohorts first, so that one which comes back now
// is checked on the mirrors again; their new rev makes judge_again see them.
void SourceCompare::expire(MergeTransaction& merge, double grace_s, CountChanges&) {
  const Params grace = Params().float8(grace_s);
  const std::int64_t due =
      connection_
          .run(
              "WITH due AS (INSERT INTO merge_adjust SELECT cohort_id, -count(*) FROM file "
              " WHERE gone_at < now() - $1 * interval '1 second' AND cohort_id IS NOT NULL GROUP "
              "BY 1 RETURNING n) "
              "SELECT coalesce(-sum(n), 0)::bigint FROM due",
              grace)
          .int8(0, 0);
  if (due == 0) return;
  merge.change_files(due,
                     "UPDATE file SET cohort_id = NULL, rev = $2 "
                     "WHERE gone_at < now() - $1 * interval '1 second' AND cohort_id IS NOT NULL",
                     Params(grace).int8(merge.rev()));
}

// Counts leave the cohorts that the changed files are in, and enter those that changed and new ones
// get.
void SourceCompare::count_moves(std::int64_t without_mirrors, CountChanges& counts) {
  counts.add("SELECT cohort_id, -count(*) FROM merge_delta WHERE cohort_id IS NOT NULL GROUP BY 1");
  counts.add("SELECT " NEW_COHORT
             ", count(*) FROM merge_delta d GROUP BY 1 UNION ALL VALUES ($1, 0)",
             Params().int8(without_mirrors));  // the last lets it go again if nobody needs it
}

// A version that comes back with the size and the time that it had is believed to be the same one.
void SourceCompare::change_known(MergeTransaction& merge, std::int64_t without_mirrors) {
  static const std::string remember = remember_version(
      "d.fresh AND f.kind = 'f'",
      "ARRAY(SELECT f.mtime UNION SELECT unnest(h.mtimes) FROM hash h WHERE h.file_id = f.id AND "
      "h.version_rev = f.version_rev)",
      "NOT d.fresh OR (size, mtime) IS DISTINCT FROM (d.size, d.mtime)");
  merge.change_files(delta_,
                     "UPDATE file f SET size = d.size, mtime = d.mtime, kind = d.kind, staged = "
                     "d.staged, pending = d.pending, "
                     "was_shown = d.staged AND (f.was_shown OR NOT f.staged), "
                     "link_target = d.target, gone_at = NULL, rev = $2, version_rev = CASE WHEN "
                     "d.fresh THEN $2 ELSE f.version_rev END, "
                     "cohort_id = " NEW_COHORT ", " +
                         remember +
                         " FROM merge_delta d WHERE f.id = d.file_id AND d.file_id IS NOT NULL",
                     Params().int8(without_mirrors).int8(merge.rev()));
  connection_.script(
      "DELETE FROM hash h USING merge_delta d WHERE h.file_id = d.file_id AND (d.fresh OR d.kind "
      "<> 'f')");
}

// Afterwards the cohorts in merge_delta are those of the files: a merge that moves a file raises
// its rev.
void SourceCompare::judge_again() {
  if (newest_rev(connection_) == snapshot_rev_) return;
  connection_.run(
      "WITH again AS (DELETE FROM merge_delta d USING file f LEFT JOIN hash h ON h.file_id = f.id "
      "WHERE f.id = d.file_id AND " +
      changed_above(connection_, snapshot_rev_, kFileOrHashRev) +
      " RETURNING d.path, d.kind, d.size, d.mtime, d.staged, d.target) " +
      fmt::format(kInsertDelta, "again"));
}

// A replica that has not heard of the gone files yet starts anew: its revision is taken away with
// them. So are those of long ago. Always all up to one of them: changed_above() relies on it.
void SourceCompare::prune(MergeTransaction& merge, double grace_s) {
  connection_.run(
      "WITH gone AS (DELETE FROM file WHERE gone_at < now() - ($1 + $2) * interval '1 second' AND "
      "cohort_id IS NULL "
      " RETURNING rev) "
      "DELETE FROM revision WHERE rev < $3 AND rev < greatest((SELECT max(rev) FROM gone), "
      "(SELECT max(rev) FROM revision WHERE at < now() - $4 * interval '1 second'))",
      Params().float8(grace_s).float8(kKeepGoneS).int8(merge.rev()).float8(kKeepRevisionsSeconds));
}

void SourceCompare::apply(MergeTransaction& merge, double grace_s) {
  CountChanges counts(connection_);
  merge.use_indexes(true);
  expire(merge, grace_s, counts);
  judge_again();
  merge.source_changed();
  const std::int64_t without_mirrors = merge.cohort_of({});
  count_moves(without_mirrors, counts);
  folders_.make_cohorts(merge, without_mirrors, counts);
  if (delta_ * 2 > current_) merge.use_order();
  change_known(merge, without_mirrors);
  merge.use_indexes(!folders_.any());
  merge.change_files(delta_,
                     "INSERT INTO file (size, mtime, version_rev, rev, cohort_id, kind, staged, "
                     "path, link_target) "
                     "SELECT size, mtime, $2, $2, coalesce(folder.cohort_id, " NEW_COHORT
                     "), kind, staged, path, target FROM merge_delta d " +
                         folders_.join() + "WHERE file_id IS NULL",
                     Params().int8(without_mirrors).int8(merge.rev()));
  merge.use_indexes(true);
  merge.change_files(
      gone_, "UPDATE file f SET gone_at = now(), rev = $1 FROM merge_gone g WHERE f.id = g.file_id",
      Params().int8(merge.rev()));
  prune(merge, grace_s);
  merge.use_indexes(false);
  merge.adjust_counts(counts);
}

std::vector<std::int64_t> SourceCompare::changed_inodes(const StagedListing&,
                                                        std::int64_t since_ns) {
  const Result found = connection_.run(
      "SELECT f.id FROM merge_listing l JOIN file f ON f.path = l.path "
      "JOIN hash h ON h.file_id = f.id AND h.version_rev = f.version_rev "
      "WHERE l.kind = 'f' AND l.ctime_ns > $1 AND l.ctime_ns <> h.ctime_ns AND f.kind = 'f' AND "
      "f.gone_at IS NULL AND NOT f.pending AND (f.size, f.mtime) = (l.size, l.mtime) "
      "ORDER BY l.ctime_ns DESC LIMIT $2",
      Params().int8(since_ns).int8(kMaxReread));
  std::vector<std::int64_t> ids(static_cast<std::size_t>(found.rows()));
  for (int row = 0; row < found.rows(); ++row)
    ids[static_cast<std::size_t>(row)] = found.int8(row, 0);
  return ids;
}
#undef NEW_COHORT

}  // namespace mirror::db
