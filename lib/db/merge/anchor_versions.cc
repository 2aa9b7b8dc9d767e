#include "db/merge/anchor_versions.h"

#include <map>
#include <vector>

#include "db/merge/group_members.h"
#include "db/merge/merge.h"

namespace mirror::db {
namespace {

// $1 folder, $2 and $3 what its paths lie between, $4 what is no member. A mirror is in another
// state if it has a file that came since, or lacks one that was there and is the same: a member or
// the anchor. One that the source lost since tells as long as its cohort is known.
constexpr const char* kRetain =
    "WITH seen AS MATERIALIZED (SELECT f.path, f.version_rev, f.gone_at, f.gone_at IS NULL AS "
    "current, NOT encode(f.path, 'hex') ~ $4 AS member, c.mirrors FROM file f JOIN cohort c ON "
    "c.id = f.cohort_id WHERE f.path > $2 AND f.path < $3 AND f.kind = 'f' AND NOT f.staged AND "
    IN_NO_INNER_GROUP("$2", "$3")
    "), left_over AS (SELECT o.path, o.version_rev, ARRAY(SELECT m FROM unnest(o.mirrors) m WHERE "
    "NOT EXISTS (SELECT FROM seen s WHERE CASE WHEN s.version_rev > o.whole_rev THEN s.current AND "
    "m = ANY (s.mirrors) ELSE (s.member OR s.path = o.path) AND (s.current OR s.gone_at > "
    "o.whole_at) AND m <> ALL (s.mirrors) END) ORDER BY m) AS mirrors "
    "FROM anchor_version o WHERE o.folder = $1 AND o.mirrors <> '{}') "
    "UPDATE anchor_version v SET mirrors = n.mirrors FROM left_over n "
    "WHERE v.path = n.path AND v.version_rev = n.version_rev AND v.mirrors <> n.mirrors";

// $1 to $3 as above, $4 what anchors fit, $5 bytes before the names in the folder, $6 this
// revision. Where no mirror has the whole present state, those that had an earlier state under the
// same version of the anchor stay: sources change members first and the anchor last.
constexpr const char* kNotePresent =
    "INSERT INTO anchor_version AS v (path, version_rev, folder, size, mtime, md5, sha1, sha256, "
    "sha512, mirrors, whole_rev) SELECT f.path, f.version_rev, g.folder, f.size, f.mtime, h.md5, "
    "h.sha1, h.sha256, h.sha512, ARRAY(SELECT unnest(g.mirrors) INTERSECT SELECT "
    "unnest(c.mirrors) ORDER BY 1), $6 FROM mutable_group g JOIN file f ON f.path > $2 AND f.path "
    "< $3 JOIN hash h ON h.file_id = f.id AND h.version_rev = f.version_rev JOIN cohort c ON c.id "
    "= f.cohort_id WHERE g.folder = $1 AND g.anchored AND " IS_CURRENT
    " AND NOT f.pending AND position('/'::bytea IN substring(f.path FROM $5 + 1)) = 0 AND "
    "encode(f.path, 'hex') ~ $4 "
    "ON CONFLICT (path, version_rev) DO UPDATE SET md5 = EXCLUDED.md5, sha1 = EXCLUDED.sha1, "
    "sha256 = EXCLUDED.sha256, sha512 = EXCLUDED.sha512, "
    "mirrors = CASE EXCLUDED.mirrors WHEN '{}' THEN v.mirrors ELSE EXCLUDED.mirrors END, "
    "whole_rev = CASE EXCLUDED.mirrors WHEN '{}' THEN v.whole_rev ELSE EXCLUDED.whole_rev END, "
    "whole_at = CASE EXCLUDED.mirrors WHEN '{}' THEN v.whole_at ELSE EXCLUDED.whole_at END";

constexpr const char* kNoteReplaced =
    "UPDATE anchor_version v SET replaced_at = now() WHERE v.folder = $1 AND v.replaced_at IS NULL "
    "AND NOT EXISTS (SELECT FROM file f WHERE f.path = v.path AND f.version_rev = v.version_rev "
    "AND " IS_CURRENT ")";

constexpr const char* kList =
    "SELECT v.path, v.version_rev, extract(epoch FROM now() - v.replaced_at)::float8, EXISTS "
    "(SELECT FROM file f WHERE f.path = v.path AND " IS_CURRENT
    ") AND EXISTS (SELECT FROM mutable_group g WHERE g.folder = v.folder AND g.anchored), "
    "v.mirrors = '{}' FROM anchor_version v WHERE v.folder = $1 ORDER BY v.path, v.replaced_at "
    "DESC NULLS FIRST, "
    "v.version_rev DESC";

// What redirectors read.
constexpr const char* kTold =
    "SELECT count(*), coalesce(string_agg(concat_ws(' ', encode(path, 'hex'), version_rev, "
    "mirrors::text), ',' ORDER BY path, version_rev) FILTER (WHERE replaced_at IS NOT NULL), '') "
    "FROM anchor_version WHERE folder = $1";

constexpr const char* kNoteCohorts =
    "UPDATE anchor_version SET cohorts = ARRAY(SELECT DISTINCT f.cohort_id FROM file f WHERE "
    "f.path > $2 AND f.path < $3 AND f.cohort_id IS NOT NULL ORDER BY 1) WHERE folder = $1";

class AnchorVersions {
 public:
  AnchorVersions(Connection& connection, std::int64_t rev, const PathRules& rules)
      : connection_(connection),
        rev_(rev),
        rules_(rules),
        anchors_(rules.told_anchor_hex_regex()),
        others_(or_nothing(rules.no_member_hex_regex())) {}

  void refresh(std::set<std::string> folders) {
    if (anchors_.empty() &&
        connection_.run("SELECT FROM anchor_version LIMIT 1", {}, "any_anchor_version").empty())
      return;
    const Result more = connection_.run(
        "SELECT DISTINCT folder FROM anchor_version WHERE cohorts && ARRAY(SELECT id FROM cohort "
        "WHERE rev = $1)",
        Params().int8(rev_), "anchor_versions_by_cohorts");
    for (int row = 0; row < more.rows(); ++row) folders.emplace(more.bytes(row, 0));
    for (const std::string& folder : folders) refresh_one(folder);
  }

 private:
  struct Told {
    std::int64_t versions = 0;
    std::string former;
  };
  Told told(const std::string& folder) {
    const Result row = connection_.run(kTold, Params().bytes(folder), "told_anchor_versions");
    return {row.int8(0, 0), std::string(row.bytes(0, 1))};
  }

  void refresh_one(const std::string& folder) {
    const FolderRange range(folder);
    const Told before = told(folder);
    if (before.versions > 0) retain(folder, range);
    note_present(folder, range);
    const Params one = Params().bytes(folder);
    connection_.run(kNoteReplaced, one, "note_replaced_anchors");
    remove_unwanted(folder);
    const Told after = told(folder);
    if (after.former != before.former)
      connection_.run("UPDATE mutable_group SET rev = $2 WHERE folder = $1",
                      Params().bytes(folder).int8(rev_), "touch_group");
    if (after.versions > 0)
      connection_.run(kNoteCohorts, Params().bytes(folder).bytes(range.low).bytes(range.high),
                      "note_anchor_cohorts");
  }

  void retain(const std::string& folder, const FolderRange& range) {
    connection_.run(kRetain,
                    Params().bytes(folder).bytes(range.low).bytes(range.high).text(others_),
                    "retain_anchor_versions");
  }

  void note_present(const std::string& folder, const FolderRange& range) {
    if (anchors_.empty()) return;
    Params params;
    params.bytes(folder).bytes(range.low).bytes(range.high).text(anchors_);
    connection_.run(kNotePresent, params.int4(range.prefix_bytes).int8(rev_),
                    "note_present_anchors");
  }

  void remove_unwanted(const std::string& folder) {
    const Result rows = connection_.run(kList, Params().bytes(folder), "list_anchor_versions");
    std::map<std::string, int> kept;  // former ones, by path
    for (int row = 0; row < rows.rows(); ++row) {
      const std::string path(rows.bytes(row, 0));
      const double limit_s = rules_.alternates_s(path);
      const bool is_former = !rows.is_null(row, 2), there = rows.boolean(row, 3);
      const bool nobody_has_it = rows.boolean(row, 4);  // and nobody will: it is of no use
      if (there && limit_s > 0 &&
          (!is_former || (is_within(rows.float8(row, 2), limit_s) && !nobody_has_it &&
                          kept[path]++ < kFormerVersions)))
        continue;
      connection_.run("DELETE FROM anchor_version WHERE path = $1 AND version_rev = $2",
                      Params().bytes(path).int8(rows.int8(row, 1)), "delete_anchor_version");
    }
  }

  // A time that lies in the future would keep it for ever.
  static bool is_within(double age_s, double limit_s) {
    return age_s < limit_s && age_s > -static_cast<double>(kFormerFuture_s);
  }

  Connection& connection_;
  const std::int64_t rev_;
  const PathRules& rules_;
  const std::string anchors_, others_;
};

// Rows of mirrors whose state is not the present one, also if members alone have changed so far.
#define MAY_LEAVE                                                                                  \
  " FROM anchor_version v JOIN mutable_group g ON g.folder = v.folder WHERE $1 = ANY (v.mirrors) " \
  "AND (v.replaced_at IS NOT NULL OR $1 <> ALL (g.mirrors))"

// $1 to $8 as MirrorCompare::scope(), $9 what is no member of a group,
// $10 whether what is not listed says nothing. `asked`: what the mirror
// must list, in one of the sizes with the time beside it (NULL: any), if it still has the former
// state: its anchor; members that were replaced since, as one of their earlier versions, also if
// they are gone by now; members that the source lost since.
constexpr const char* kContradicted =
    "WITH mine AS (SELECT v.*, CASE v.folder WHEN ''::bytea THEN ''::bytea ELSE v.folder || "
    "'/'::bytea END AS low, CASE v.folder WHEN ''::bytea THEN '\\xffffffff'::bytea ELSE v.folder "
    "|| '0'::bytea END AS high" MAY_LEAVE "), "
    "asked AS (SELECT v.path AS anchor, v.version_rev, v.path, ARRAY[v.size] AS sizes, "
    "ARRAY[v.mtime] AS times FROM mine v UNION ALL "
    "SELECT v.path, v.version_rev, f.path, CASE WHEN r.replaced THEN f.earlier_sizes ELSE "
    "ARRAY[f.size] END, CASE WHEN r.replaced THEN f.earlier_times END FROM mine v JOIN "
    "file f ON f.path > v.low AND f.path < v.high CROSS JOIN LATERAL (SELECT f.version_rev > "
    "v.whole_rev AS replaced) r WHERE f.kind = 'f' AND NOT f.staged AND NOT "
    "encode(f.path, 'hex') ~ $9 AND CASE WHEN r.replaced THEN f.earlier_sizes IS NOT NULL ELSE "
    "f.gone_at > v.whole_at END AND " IN_NO_INNER_GROUP("v.low", "v.high")
    ") SELECT DISTINCT a.anchor, a.version_rev FROM asked a LEFT JOIN merge_listing l ON l.path = "
    "a.path WHERE (NOT $10 OR l.path IS NOT NULL) AND l.kind IS DISTINCT FROM 'u' AND ($5::bytea IS NULL OR (a.path > $5 AND a.path < $6)) AND NOT EXISTS (SELECT FROM "
    "unnest(a.sizes, a.times) e (size, mtime) WHERE e.size = l.size AND (e.mtime IS NULL OR NOT $4 "
    "OR abs(l.mtime - $7 - e.mtime) < $3)) AND $2::bigint IS NOT NULL AND coalesce($8::text, '') "
    "IS NOT NULL";

}  // namespace

// '0' follows '/'; nothing that a path begins with comes after bytes 255.
FolderRange::FolderRange(std::string_view folder)
    : low(folder.empty() ? "" : std::string(folder) + '/'),
      high(folder.empty() ? "\xff\xff\xff\xff" : std::string(folder) + '0'),
      prefix_bytes(static_cast<std::int32_t>(low.size())) {}

void refresh_anchor_versions(Connection& connection, std::int64_t rev, const PathRules& rules,
                             std::set<std::string> folders) {
  AnchorVersions(connection, rev, rules).refresh(std::move(folders));
}

void heed_listing_of_former_versions(Connection& connection, MirrorId mirror, const Params& scope,
                                     bool asked_only, const PathRules& rules) {
  const Params one = Params().int2(mirror);
  if (connection.run("SELECT" MAY_LEAVE " LIMIT 1", one).empty()) return;
  const Result left = connection.run(
      kContradicted,
      Params(scope).text(or_nothing(rules.no_member_hex_regex())).boolean(asked_only));
  if (left.empty()) return;
  MergeTransaction merge(connection);
  for (int row = 0; row < left.rows(); ++row) {
    connection.run(
        "WITH v AS (UPDATE anchor_version SET mirrors = array_remove(mirrors, $1) WHERE path = $2 "
        "AND version_rev = $3 RETURNING folder) UPDATE mutable_group g SET rev = $4 FROM v WHERE "
        "g.folder = v.folder",
        Params(one).bytes(left.bytes(row, 0)).int8(left.int8(row, 1)).int8(merge.rev()));
    connection.run(
        "DELETE FROM anchor_version WHERE path = $1 AND version_rev = $2 AND mirrors = '{}' AND "
        "replaced_at IS NOT NULL",
        Params().bytes(left.bytes(row, 0)).int8(left.int8(row, 1)));
  }
  merge.commit();
}

#undef MAY_LEAVE

}  // namespace mirror::db
