#include "db/merge/groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

#include "core/path.h"
#include "db/merge/anchor_versions.h"
#include "db/merge/group_members.h"
#include "db/path_rules.h"

namespace mirror::db {
namespace {

constexpr std::int64_t kManyFiles = 20'000;  // then all groups are looked at instead of their paths

// $1 folder, $2 and $3 what its paths lie between, $4 what anchors fit, $5 what is no member.
// A pending file may be another version by now: nobody has it for sure.
constexpr const char* kRefresh =
    "WITH anchor AS (SELECT EXISTS (SELECT FROM file f WHERE f.path > $2 AND f.path < $3 AND "
    "position('/'::bytea IN substring(f.path FROM $7 + 1)) = 0 AND " IS_CURRENT
    " AND encode(f.path, 'hex') ~ $4) AS anchored), "
    "members AS (SELECT DISTINCT CASE WHEN f.pending THEN 0 ELSE coalesce(f.cohort_id, 0) END AS "
    "id FROM file f, anchor WHERE anchored AND f.path > $2 AND f.path < $3 AND " IS_CURRENT
    " AND NOT encode(f.path, 'hex') ~ $5 AND " IN_NO_INNER_GROUP("$2", "$3")
    "), "
    "k AS (SELECT coalesce(array_agg(id ORDER BY id), '{}') AS cohorts FROM members), "
    "found AS (SELECT anchored, cohorts, ARRAY(SELECT m FROM cohort c, unnest(c.mirrors) m "
    " WHERE c.id = ANY (cohorts) GROUP BY m HAVING count(*) = cardinality(cohorts) ORDER BY m) "
    "AS mirrors FROM anchor, k) "
    "INSERT INTO mutable_group AS g (folder, anchored, cohorts, mirrors, rev) "
    "SELECT $1, anchored, cohorts, mirrors, $6 FROM found WHERE anchored OR EXISTS (SELECT FROM "
    "mutable_group WHERE folder = $1) "
    "ON CONFLICT (folder) DO UPDATE SET anchored = EXCLUDED.anchored, cohorts = EXCLUDED.cohorts, "
    "mirrors = EXCLUDED.mirrors, rev = CASE WHEN (g.anchored, g.mirrors) IS DISTINCT FROM "
    "(EXCLUDED.anchored, EXCLUDED.mirrors) THEN EXCLUDED.rev ELSE g.rev END";

constexpr const char* kRefreshByCohorts =
    "UPDATE mutable_group g SET mirrors = n.mirrors, rev = $1 FROM "
    "(SELECT h.folder, ARRAY(SELECT m FROM cohort c, unnest(c.mirrors) m WHERE c.id = ANY "
    "(h.cohorts) GROUP BY m HAVING count(*) = cardinality(h.cohorts) ORDER BY m) AS mirrors "
    "FROM mutable_group h WHERE h.anchored AND h.cohorts && ARRAY(SELECT id FROM cohort WHERE rev "
    "= $1)) n WHERE n.folder = g.folder AND n.mirrors <> g.mirrors";

class Groups {
 public:
  Groups(Connection& connection, std::int64_t rev, const PathRules& rules)
      : connection_(connection),
        rev_(rev),
        rules_(rules),
        anchors_(or_nothing(rules.anchor_hex_regex())),
        others_(or_nothing(rules.no_member_hex_regex())) {
    const Result known = connection_.run("SELECT folder FROM mutable_group");
    for (int row = 0; row < known.rows(); ++row) known_.emplace(known.bytes(row, 0));
  }

  void refresh(GroupsToLookAt which) {
    const bool all = which == GroupsToLookAt::all;
    const std::string changed = all ? "true" : changed_files();
    // Groups inside others take members from these, so all must be known before one is looked at.
    if (which != GroupsToLookAt::of_changes) find_new(changed);
    const std::set<std::string> folders =
        all || changed == all_changed() ? known_ : around(changed);
    // Inner ones first: what is none of theirs any more is of those around them.
    std::for_each(folders.rbegin(), folders.rend(),
                  [this](const std::string& folder) { refresh_one(folder); });
    connection_.run(kRefreshByCohorts, Params().int8(rev_), "refresh_groups_by_cohorts");
    refresh_anchor_versions(connection_, rev_, rules_, folders);
  }

 private:
  std::string all_changed() const { return fmt::format("f.rev = {}", rev_); }

  std::string changed_files() const {
    const Result noted = connection_.run(
        "SELECT bool_and(files IS NOT NULL), coalesce(sum(cardinality(files)), 0)::bigint FROM "
        "change WHERE rev = $1",
        Params().int8(rev_));
    const bool few = !noted.is_null(0, 0) && noted.boolean(0, 0) && noted.int8(0, 1) <= kManyFiles;
    return few ? fmt::format("f.id = ANY (ARRAY(SELECT unnest(files) FROM change WHERE rev = {}))",
                             rev_)
               : all_changed();
  }

  void find_new(const std::string& changed) {
    const Result anchors =
        connection_.run(fmt::format("SELECT f.path FROM file f WHERE {} AND " IS_CURRENT
                                    " AND encode(f.path, 'hex') ~ $1",
                                    changed),
                        Params().text(anchors_));
    for (int row = 0; row < anchors.rows(); ++row) {
      const std::string folder(parent_folder(anchors.bytes(row, 0)));
      if (!known_.insert(folder).second) continue;
      connection_.run("INSERT INTO mutable_group (folder, anchored, rev) VALUES ($1, true, $2)",
                      Params().bytes(folder).int8(rev_));
    }
  }

  // The groups in which these files lie.
  std::set<std::string> around(const std::string& changed) const {
    std::set<std::string> groups;
    if (known_.empty()) return groups;
    const Result files =
        connection_.run(fmt::format("SELECT f.path FROM file f WHERE {}", changed));
    for (int row = 0; row < files.rows(); ++row) {
      for (std::string folder(files.bytes(row, 0)); !folder.empty();) {
        folder.resize(parent_folder(folder).size());
        if (known_.contains(folder)) groups.insert(folder);
      }
    }
    return groups;
  }

  void refresh_one(const std::string& folder) {
    const FolderRange range(folder);
    Params params;
    params.bytes(folder)
        .bytes(range.low)
        .bytes(range.high)
        .text(anchors_)
        .text(others_)
        .int8(rev_)
        .int4(range.prefix_bytes);
    connection_.run(kRefresh, params, "refresh_group");
  }

  Connection& connection_;
  const std::int64_t rev_;
  const PathRules& rules_;
  const std::string anchors_, others_;
  std::set<std::string> known_;
};

}  // namespace

void refresh_groups(Connection& connection, std::int64_t rev, GroupsToLookAt which) {
  if (connection
          .run("SELECT WHERE EXISTS (SELECT FROM path_rule WHERE kind = 'mutable') OR EXISTS "
               "(SELECT FROM mutable_group WHERE anchored)")
          .empty())
    return;
  const PathRules rules = load_path_rules(connection);
  Groups(connection, rev, rules).refresh(which);
}

}  // namespace mirror::db
