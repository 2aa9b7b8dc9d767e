#include "db/lookup.h"

#include <fmt/format.h>

#include <vector>

#include "core/group_rule.h"
#include "core/links.h"
#include "db/mirror/members.h"
#include "db/new_files.h"
#include "db/path_rules.h"
#include "db/pause.h"

namespace mirror::db {
namespace {

// A row of file that may be shown: current, or gone and still in its grace time.
#define ONE_ROW(table, name) "(SELECT * FROM " table " LIMIT 1) " name
#define VISIBLE \
  "NOT f.staged AND (f.gone_at IS NULL OR f.gone_at + s.grace_s * interval '1 second' > now())"

// Always one row, so that the mirrors' rev comes with absent paths too. Without statistics the
// planner expects thousands of rows in a table of one row, unless LIMIT 1 says otherwise.
constexpr const char* kFindFile =
    "SELECT r.rev, f.kind, f.size, f.mtime, f.pending, c.mirrors, f.link_target, f.gone_at IS NOT "
    "NULL, " NEW_SINCE ", g.folder, g.mirrors FROM " ONE_ROW("mirror_rev", "r") " CROSS JOIN " ONE_ROW("source", "s") " "
    "LEFT JOIN file f ON f.path = $1 AND " VISIBLE
    " AND (f.kind = 'l' OR f.cohort_id IS NOT NULL) "
    "LEFT JOIN cohort c ON c.id = f.cohort_id "
    "LEFT JOIN LATERAL (SELECT folder, mirrors FROM mutable_group WHERE folder = ANY ($2) AND "
    "anchored ORDER BY octet_length(folder) DESC LIMIT 1) g ON true";

constexpr const char* kFindLinkPrefix =
    "SELECT f.path, f.link_target FROM " ONE_ROW("source", "s") " JOIN file f ON f.path = ANY($1) AND f.kind = 'l' "
    "AND " VISIBLE " ORDER BY octet_length(f.path) LIMIT 1";

// In the order of paths, so that the index on them finds the first one whatever the planner thinks
// of the range. Gone files count: a folder that has only gone files is a folder for a while, and no
// request can make us search millions of them.
constexpr const char* kFindBelow =
    "SELECT FROM file WHERE path > $1 AND path < $2 AND NOT staged ORDER BY path LIMIT 1";
#undef VISIBLE

std::vector<std::string> folders_around(std::string_view path) {
  std::vector<std::string> folders = {""};
  for (std::size_t slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1))
    folders.emplace_back(path.substr(0, slash));
  return folders;
}

// The path with its first link prefix replaced by what it really is; nullopt when no prefix is a
// link.
std::optional<std::string> through_prefix(Connection& connection, const std::string& path) {
  std::vector<std::string> prefixes;
  for (std::size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    prefixes.push_back(path.substr(0, slash));
  }
  if (prefixes.empty()) return std::nullopt;
  const Result link =
      connection.run(kFindLinkPrefix, Params().bytes_array(prefixes), "find_link_prefix");
  if (link.empty()) return std::nullopt;
  return below_link(link.bytes(0, 1), std::string_view(path).substr(link.bytes(0, 0).size() + 1));
}

bool is_directory(Connection& connection, const std::string& path) {
  if (path.empty()) return true;
  return !connection
              .run(kFindBelow, Params().bytes(path + '/').bytes(path + char('/' + 1)), "find_below")
              .empty();
}

}  // namespace

FoundFile find_file(Connection& connection, std::string_view requested) {
  FoundFile found;
  std::string path(requested);
  for (int links = 0; links <= kMaxLinks; ++links) {
    const Result row = connection.run(
        kFindFile, Params().bytes(path).bytes_array(folders_around(path)), "find_file");
    found.mirrors_rev = row.int8(0, 0);
    if (row.is_null(0, 1)) {
      if (auto real = through_prefix(connection, path)) {
        path = std::move(*real);
        continue;
      }
      if (is_directory(connection, path)) found.found = Found::directory;
      return found;
    }
    if (row.bytes(0, 1) == "l") {
      path = row.bytes(0, 6);
      continue;
    }
    found.found = Found::file;
    found.file = {std::move(path), row.int8(0, 2), row.int8(0, 3), {}, row.boolean(0, 4)};
    found.gone = row.boolean(0, 7);
    if (!row.is_null(0, 8)) found.file.new_since_s = row.int8(0, 8);
    if (!row.is_null(0, 5)) found.mirrors = row.int2_array(0, 5);
    found.file.mirrors = found.file.holders = found.file.whole = found.mirrors;
    if (!row.is_null(0, 9)) {
      found.group = row.bytes(0, 9);
      found.group_mirrors = row.int2_array(0, 10);
    }
    return found;
  }
  return found;
}

void heed_rules(FoundFile& found, const PathRules& rules) {
  std::optional<GroupView> group;
  if (found.group && !found.gone) group = GroupView{*found.group, found.group_mirrors};
  heed_group(found.file, rules, group, found.room);
}

std::shared_ptr<const MirrorTable> load_mirrors(Connection& connection,
                                                UnreadableRows* unreadable) {
  static const std::string sql =
      "SELECT " + select_members(Reader::redirects) +
      ", r.rev FROM " ONE_ROW("mirror_rev", "r") " LEFT JOIN mirror m ON true ORDER BY m.id";
  const Result rows = connection.run(sql, {}, "load_mirrors");
  std::vector<Mirror> mirrors;
  for (int row = 0; row < rows.rows(); ++row) {
    if (rows.is_null(row, 0)) continue;  // no mirrors at all
    try {
      mirrors.push_back(read_members(rows, row, Reader::redirects).mirror);
    } catch (const std::exception& error) {
      // One row that a later program wrote must not take all mirrors away.
      if (unreadable) unreadable->add(fmt::format("mirror {}", rows.int2(row, 0)), error.what());
    }
  }
  if (rows.empty()) return std::make_shared<const MirrorTable>(0, std::move(mirrors));
  const int rev = count_members(Reader::redirects);
  return std::make_shared<const MirrorTable>(rows.int8(0, rev), std::move(mirrors),
                                             load_path_rules(connection), load_pause(connection));
}

}  // namespace mirror::db
